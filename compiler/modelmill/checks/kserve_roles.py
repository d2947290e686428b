"""C581: KServe serves a model by one group of pods, or by one for prefill and one for the rest."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.kserve_identity import PREFILL
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    for part, what in (("", "that decodes"), (PREFILL, "of type prefill")):
        keys = [key for key in variant.roles if variant.part(key) == part]
        for key in keys[1:]:
            yield error(
                "C581",
                f"KServe has one role {what}, and `{keys[0]}` is it",
                variant.key_span_of("roles", key),
                "take it out in environments whose target is kserve, or make it a model of its own",
            )
        if not keys and not part and variant.roles:
            yield error(
                "C581",
                "every role is of type prefill: KServe needs one that decodes",
                variant.key_span_of("roles"),
                "add a role `decode`",
            )
