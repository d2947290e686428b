"""ConfigMap by which llm-d's inference payload processor knows the names that lead to a model.

Only with a route whose `matchModel` is `base-model`. The processor looks up the `model` of a
request's body in all such ConfigMaps and sets the header that the HTTPRoute asks for
(llm-d/llm-d-inference-payload-processor; llm-d guides/multi-model-routing).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.adapters import names_served
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.variant import Variant

MANAGED = {"inference.llm-d.ai/ipp-managed": "true"}


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.gateway is None or variant.route.match_model != "base-model":
        return ()
    return (_names(variant),)


@shared(*OUTSIDE, *INSIDE, *PODS)
def _names(variant: Variant) -> Resource:
    base, *others = (name for name, _ in names_served(variant))
    # A list in YAML, as the processor reads it.
    listed = "".join(f"- {_quoted(name)}\n" for name in others)
    return resource(
        "v1",
        "ConfigMap",
        names.child_name(variant.name, "base-model"),
        labels=names.labels(variant.name, "model", {**variant.labels, **MANAGED}),
        data={"baseModel": base, **({"adapters": listed} if listed else {})},
    )


def _quoted(name: str) -> str:
    escaped = name.replace("'", "''")
    return f"'{escaped}'"
