"""InferencePool: the pods an endpoint picker chooses from (Gateway API Inference Extension v1).

Only with a picker. Fields the API server would default are written out, or Argo CD reports drift.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.kinds.endpoint_picker import EXT_PROC_PORT
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.scheduler is None:
        return
    yield resource(
        variant.versions.apis["InferencePool"],
        "InferencePool",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "selector": {"matchLabels": {names.INSTANCE: variant.name, names.SERVING: "true"}},
            "targetPorts": [{"number": variant.routing.port}],
            "appProtocol": variant.pool.app_protocol,
            "endpointPickerRef": {
                "group": "",
                "kind": "Service",
                "name": variant.picker_name,
                "port": {"number": EXT_PROC_PORT},
                "failureMode": variant.pool.failure_mode,
            },
        },
    )
