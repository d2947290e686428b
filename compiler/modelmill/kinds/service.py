"""Service of the model: the pods that take clients' requests, without a picker in between.

Prefill pods are left out: a request sent to one directly would never be decoded.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    yield resource(
        "v1",
        "Service",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "type": "ClusterIP",
            "selector": {names.INSTANCE: variant.name, names.ENTRY: "true"},
            "ports": [
                {
                    "name": "http",
                    "port": variant.routing.port,
                    "protocol": "TCP",
                    "targetPort": variant.routing.port,
                    "appProtocol": "http",
                }
            ],
        },
    )
