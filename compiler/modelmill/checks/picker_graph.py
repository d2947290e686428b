"""C515: the endpoint picker's plugins and profiles must hold together, or it stops at start-up."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    config = variant.scheduler.config if variant.scheduler else None
    if config is None:
        return
    here = ("routing", "scheduler", "config")
    if not config.scheduling_profiles:
        yield error(
            "C515",
            "the scheduler has no scheduling profile to choose pods by",
            variant.span_of(*here),
            "extend a routing preset, or set `schedulingProfiles` and `plugins`",
        )
    for name, profile in config.scheduling_profiles.items():
        for ref in profile.plugins:
            if ref not in config.plugins:
                yield error(
                    "C515",
                    f"the profile `{name}` uses the plugin `{ref}`, which is not among `plugins`",
                    variant.key_span_of(*here, "schedulingProfiles", name, "plugins", ref),
                    did_you_mean(ref, config.plugins) or f"add `plugins: {{{ref}: {{}}}}`",
                )
