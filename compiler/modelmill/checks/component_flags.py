"""C510, C511: flags of the endpoint picker and the routing sidecar, as their release has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.catalogues import Component, engine_catalogue
from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.variant import Variant

READS = (
    "routing.scheduler.config routing.scheduler.flags routing.scheduler.tokenizer routing.sidecar"
)
Place = tuple[str, ...]


def check(variant: Variant) -> Iterable[Diagnostic]:
    components = variant.versions.components
    if variant.scheduler is not None:
        place: Place = ("routing", "scheduler", "flags")
        yield from _check(variant, components["endpointPicker"], place, variant.scheduler.flags)
    tokenizer = variant.scheduler.tokenizer if variant.scheduler is not None else None
    if tokenizer is not None:
        place = ("routing", "scheduler", "tokenizer", "flags")
        yield from _check(variant, _tokenizer(), place, tokenizer.flags)
    place = ("routing", "sidecar", "flags")
    yield from _check(variant, components["routingSidecar"], place, variant.sidecar.flags)


def _tokenizer() -> Component:
    """`vllm launch render` takes the flags of `vllm serve`."""
    owned = {
        "port": "`scheduler.tokenizer.port`",
        "served-model-name": "`model.name`",
        "revision": "`model.revision`",
    }
    return Component("the tokenizer", tuple(engine_catalogue("vllm").flags), owned)


def _check(
    variant: Variant, component: Component, place: Place, flags: Mapping[str, Any]
) -> Iterable[Diagnostic]:
    for name in flags:
        span = variant.key_span_of(*place, name)
        owner = component.owned.get(name)
        if owner is not None:
            yield error("C511", f"`{name}` is set from {owner}", span, "leave it out")
        elif name not in component.flags:
            yield warning(
                "C510",
                f"{component.says} has no flag `{name}` that we know",
                span,
                did_you_mean(name, component.flags),
            )
