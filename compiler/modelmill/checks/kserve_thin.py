"""C586: a resource that is to be thin says with its configurations what the model says."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import CompileError, Diagnostic, warning
from modelmill.kserve.difference import Impossible
from modelmill.kserve.places import place_of
from modelmill.kserve.specification import full_spec, unfit_fields
from modelmill.kserve.thin import thin_spec
from modelmill.model_uri import UriFault
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    if not variant.configs or unfit_fields(variant):
        return
    if any(role.engine is None for role in variant.roles.values()):
        return
    try:
        thin_spec(full_spec(variant), variant.configs)
    except Impossible as fault:
        yield warning(
            "C586",
            f"its presets set `{fault}` in KServe's resource, which a service cannot take away: "
            "it is written full",
            variant.key_span_of(*place_of(variant, fault.path)),
            "take it out of the preset, or do not extend that one",
        )
    except (CompileError, UriFault):
        return
