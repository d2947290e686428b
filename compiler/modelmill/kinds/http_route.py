"""HTTPRoute from a Gateway to the model's pool, or to its Service where there is no picker.

Only where `routing.gateway` names a Gateway. KServe makes the first route itself, unless it is to
be in another namespace.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.http_routes import route_specs
from modelmill.names import child_name
from modelmill.resource import Resource, resource
from modelmill.routes import is_abroad, route_namespace
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    route = variant.route
    # From elsewhere a route must say where the model is, which only an environment knows.
    if variant.gateway is None or (is_abroad(variant) and variant.namespace is None):
        return
    metadata = route.metadata
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    for number, spec in enumerate(route_specs(variant), 1):
        if number == 1 and variant.kserve is not None and not is_abroad(variant):
            continue
        yield resource(
            variant.versions.apis["HTTPRoute"],
            "HTTPRoute",
            variant.name if number == 1 else child_name(variant.name, f"route-{number}"),
            namespace=route_namespace(variant) if is_abroad(variant) else None,
            labels=names.labels(variant.name, "model", labels),
            annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
            spec=spec,
        )
