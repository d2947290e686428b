"""Service of the model: the pods that take clients' requests, without a picker in between.

Prefill pods are left out: a request sent to one directly would never be decoded. Where each rank of
a pod has a port, so has the Service: `http` leads to the first ranks, `http-1` to the second.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names, tls
from modelmill.containers import Manifest, numbered
from modelmill.groups import ports_of
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.variant import Variant


@shared(*OUTSIDE, *INSIDE, *PODS)
def emit(variant: Variant) -> Iterable[Resource]:
    said = variant.routing.service
    if said is not None and not said.create:
        return ()
    served = [
        ports_of(role) for key, role in variant.roles.items() if variant.role_type(key) != "prefill"
    ]
    service = resource(
        "v1",
        "Service",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "type": "ClusterIP",
            "selector": {names.INSTANCE: variant.name, names.ENTRY: "true"},
            "ports": [
                _port(name, variant.routing.port + rank, tls.scheme(variant))
                for rank, name in enumerate(numbered("http", max(served, default=1)))
            ],
        },
    )
    return (service,)


def _port(name: str, number: int, scheme: str) -> Manifest:
    return {
        "name": name,
        "port": number,
        "protocol": "TCP",
        "targetPort": number,
        "appProtocol": scheme,
    }
