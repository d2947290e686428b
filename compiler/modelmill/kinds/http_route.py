"""HTTPRoute from a Gateway to the model's pool, or to its Service where there is no picker.

Only where `routing.gateway` names a Gateway. Server-side defaults (group, kind, weight) are written
out, or Argo CD reports drift.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import Manifest, given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    gateway, route = variant.routing.gateway, variant.route
    if gateway is None:
        return
    metadata = route.metadata
    parent = given(
        group="gateway.networking.k8s.io",
        kind="Gateway",
        namespace=gateway.namespace,
        name=gateway.name,
        sectionName=gateway.section_name,
    )
    match = given(
        path={"type": "PathPrefix", "value": route.path},
        headers=[
            {"type": "Exact", "name": k, "value": v} for k, v in sorted(route.headers.items())
        ],
    )
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    yield resource(
        variant.versions.apis["HTTPRoute"],
        "HTTPRoute",
        variant.name,
        labels=names.labels(variant.name, "model", labels),
        annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
        spec={
            "parentRefs": [parent],
            **given(hostnames=list(route.hostnames)),
            "rules": [
                {
                    "matches": [match],
                    "backendRefs": [_backend(variant)],
                    **given(timeouts=given(request=route.timeout)),
                }
            ],
        },
    )


def _backend(variant: Variant) -> Manifest:
    if variant.scheduler is None:
        return {
            "group": "",
            "kind": "Service",
            "name": variant.name,
            "port": variant.routing.port,
            "weight": 1,
        }
    group, _, _ = variant.versions.apis["InferencePool"].rpartition("/")
    return {"group": group, "kind": "InferencePool", "name": variant.name, "weight": 1}
