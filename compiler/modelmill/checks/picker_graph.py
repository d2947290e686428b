"""C515: the endpoint picker's plugins and profiles must hold together, or it stops at start-up."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    scheduler = variant.routing.scheduler
    if scheduler is None:
        return
    if not scheduler.profiles:
        yield error(
            "C515",
            "the scheduler has no profile to choose pods by",
            variant.span_of("routing", "scheduler"),
            "extend a routing preset, or set `profiles` and `plugins`",
        )
    for name, profile in scheduler.profiles.items():
        for ref in profile.plugins:
            if ref not in scheduler.plugins:
                yield error(
                    "C515",
                    f"the profile `{name}` uses the plugin `{ref}`, which is not among `plugins`",
                    variant.key_span_of("routing", "scheduler", "profiles", name, "plugins", ref),
                    did_you_mean(ref, scheduler.plugins) or f"add `plugins: {{{ref}: {{}}}}`",
                )
