"""InferencePool: the pods an endpoint picker chooses from (Gateway API Inference Extension v1).

Only with a picker. A target port is an endpoint: a pod has one for each rank that the picker is to
choose. Fields the API server would default are written out, or Argo CD reports drift.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.groups import ports_of
from modelmill.kinds.endpoint_picker import EXT_PROC_PORT
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.variant import Variant


@shared(*OUTSIDE, *INSIDE, *PODS)
def emit(variant: Variant) -> Iterable[Resource]:
    if variant.scheduler is None:
        return ()
    ports = max(ports_of(role) for role in variant.roles.values())
    pool = resource(
        variant.versions.apis["InferencePool"],
        "InferencePool",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "selector": {"matchLabels": {names.INSTANCE: variant.name, names.SERVING: "true"}},
            "targetPorts": [{"number": variant.routing.port + rank} for rank in range(ports)],
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
    return (pool,)
