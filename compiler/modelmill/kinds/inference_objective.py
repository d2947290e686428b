"""InferenceObjective of each of `routing.objectives`: the priority of the requests that name it.

Only with an endpoint picker, which knows those of its own pool (llm-d/llm-d-router,
apix/v1alpha2).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.resource import Resource, resource
from modelmill.routes import backend_ref, objective_name
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.variant import Variant


@shared(*OUTSIDE, *INSIDE, *PODS)
def emit(variant: Variant) -> Iterable[Resource]:
    if variant.scheduler is None:
        return ()
    return [
        resource(
            variant.versions.apis["InferenceObjective"],
            "InferenceObjective",
            objective_name(variant, key),
            labels=names.labels(variant.name, "model", variant.labels),
            spec={"priority": objective.priority, "poolRef": backend_ref(variant)},
        )
        for key, objective in sorted(variant.routing.objectives.items())
    ]
