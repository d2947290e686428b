"""C527: a role's key names what it serves, or `type` does; else a misspelt key is a second role."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.spec.role import ROLE_TYPES
from modelmill.variant import Variant

READS = "type"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.type is None and key not in ROLE_TYPES:
            others = [name for name in variant.roles if name != key]
            yield error(
                "C527",
                f"the role `{key}` does not say what it serves",
                variant.key_span_of("roles", key),
                did_you_mean(key, [*others, *ROLE_TYPES])
                or "set its `type`: " + ", ".join(ROLE_TYPES),
            )
