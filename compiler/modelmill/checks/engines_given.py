"""C501: every role needs an engine with an image, and a model needs a role."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.variant import Variant

READS = "engine.image extra_objects"


def check(variant: Variant) -> Iterable[Diagnostic]:
    if not variant.spec.roles:
        # Objects that people wrote may be all that is wanted.
        found = warning if variant.spec.extra_objects else error
        yield found(
            "C501",
            "the model has no role, so nothing would serve it",
            variant.span_of("roles"),
            "add one under `roles`, or extend a preset that has one",
        )
    for key, role in variant.roles.items():
        if role.engine is None:
            yield error(
                "C501",
                f"the role `{key}` has no engine",
                variant.key_span_of("roles", key, "engine"),
                "extend an engine's preset, or set `engine`",
            )
        elif not role.engine.image and variant.kserve is None:
            yield error(
                "C501",
                f"the engine of `{key}` has no image",
                variant.span_of("roles", key, "engine"),
                "extend an engine's preset, or set `engine.image`",
            )
