"""HTTPRoute from a Gateway to the model's pool, or to its Service where there is no picker.

Only where `routing.gateway` names a Gateway. KServe makes the first route itself, unless it is to
be in another namespace.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.http_routes import Places, places_of, specs_at
from modelmill.names import child_name
from modelmill.resource import Resource, resource
from modelmill.routes import is_abroad
from modelmill.sharing import BUDGETS, INSIDE, MONITORS, PLACE, PODS, shared
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    # From elsewhere a route must say where the model is, which only an environment knows.
    if variant.gateway is None or (is_abroad(variant) and variant.namespace is None):
        return ()
    return _routes(variant, places_of(variant))


@shared(*PLACE, *MONITORS, *BUDGETS, *INSIDE, *PODS)
def _routes(variant: Variant, places: Places) -> tuple[Resource, ...]:
    metadata = variant.route.metadata
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    made = tuple(
        resource(
            variant.versions.apis["HTTPRoute"],
            "HTTPRoute",
            variant.name if number == 1 else child_name(variant.name, f"route-{number}"),
            namespace=places.route,
            labels=names.labels(variant.name, "model", labels),
            annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
            spec=spec,
        )
        for number, spec in enumerate(specs_at(variant, places), 1)
    )
    return made[1:] if variant.kserve is not None and places.route is None else made
