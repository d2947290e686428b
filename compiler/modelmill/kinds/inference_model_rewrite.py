"""InferenceModelRewrite: names that stand for several adapters by weight (llm-d.ai).

Only with `routing.rewrites`, for the endpoint picker, which chooses a target for each request and
rewrites the `model` of its body. Fields the API server would default are written out.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.adapters import requested
from modelmill.resource import Resource, resource
from modelmill.routes import backend_ref
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    rewrites = variant.routing.rewrites
    if variant.scheduler is None or not rewrites:
        return
    yield resource(
        variant.versions.apis["InferenceModelRewrite"],
        "InferenceModelRewrite",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "poolRef": backend_ref(variant),
            "rules": [
                {
                    "matches": [{"model": {"type": "Exact", "value": name}}],
                    # The least weight a target may have is 1.
                    "targets": [
                        {"modelRewrite": requested(variant, target), "weight": weight}
                        for target, weight in targets.items()
                        if weight
                    ],
                }
                for name, targets in sorted(rewrites.items())
            ],
        },
    )
