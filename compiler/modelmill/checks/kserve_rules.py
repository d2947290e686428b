"""C584: KServe's API server and webhooks take the resource that a model compiles to."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import CompileError, Diagnostic, error
from modelmill.kserve.places import place_of
from modelmill.kserve.rules import Spec, faults
from modelmill.kserve.specification import full_spec, unfit_fields
from modelmill.model_uri import UriFault
from modelmill.variant import Variant

URI = "uri"
"""Where weights and adapters are: said with the names a Model has for it by `kserve_weights`."""


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    unfit = unfit_fields(variant)
    yield from unfit
    spec = _spec(variant) if not unfit else None
    for fault in faults(spec) if spec is not None else ():
        node = variant.tree.nearest(*place_of(variant, fault.path))
        span = node.key_span if isinstance(node.value, dict) else node.span
        if fault.path[-1:] != (URI,):
            yield error("C584", f"KServe refuses it: {fault.message}", span, fault.hint)


def _spec(variant: Variant) -> Spec | None:
    """The specification; None where there is none, or other rules say what is wrong with it."""
    if any(role.engine is None for role in variant.roles.values()):
        return None
    try:
        return full_spec(variant)
    except (CompileError, UriFault):
        return None
