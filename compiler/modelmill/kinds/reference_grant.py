"""ReferenceGrant by which an HTTPRoute of another namespace leads to the model's pool or Service.

Only with `routing.route.namespace` (Gateway API, GEP-709). It names what the route leads to, and
nothing else of the namespace.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.resource import Resource, resource
from modelmill.routes import backend_kind, backend_name, backends, is_abroad, route_namespace
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.gateway is None or variant.namespace is None or not is_abroad(variant):
        return
    group, kind = backend_kind(variant)
    route_group = variant.versions.apis["HTTPRoute"].partition("/")[0]
    source = {"group": route_group, "kind": "HTTPRoute", "namespace": route_namespace(variant)}
    yield resource(
        variant.versions.apis["ReferenceGrant"],
        "ReferenceGrant",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "from": [source],
            "to": [
                {"group": group, "kind": kind, "name": backend_name(variant, name)}
                for name in backends(variant)
            ],
        },
    )
