"""C529: an engine's image is built for some makers' accelerators, and starts on no other."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.variant import Variant

READS = "accelerator engine.vendors"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        engine, accelerator = role.engine, role.accelerator
        if engine is None or accelerator is None or not engine.vendors:
            continue
        if accelerator.vendor not in engine.vendors:
            made_for = " or ".join(engine.vendors)
            yield error(
                "C529",
                f"`{key}` runs an engine built for {made_for} on {accelerator.name}",
                variant.span_of("roles", key, "accelerator", "name"),
                "extend the engine's preset for this accelerator",
                [
                    Note(
                        f"the engine is for {made_for}",
                        variant.span_of("roles", key, "engine", "vendors"),
                    )
                ],
            )
