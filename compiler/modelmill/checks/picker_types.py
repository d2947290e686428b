"""C552: plugins and feature gates must be those of the endpoint picker's release.

A picker of one's own image may have plugins of its own: what is not known of it is a warning then.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.picker_parameters import (
    EXPERIMENTAL,
    OF_SETTINGS,
    catalogue_of,
    config_of,
    found_in_settings,
    is_experimental,
)
from modelmill.variant import Variant

READS = OF_SETTINGS
HERE = ("routing", "scheduler", "config")


def check(variant: Variant) -> Iterable[Diagnostic]:
    return found_in_settings(variant, "picker types", _all_of)


def _all_of(variant: Variant) -> Iterable[Diagnostic]:
    assert variant.scheduler is not None
    config, catalogue = config_of(variant), catalogue_of(variant)
    find = warning if variant.scheduler.image is not None else error
    for name, plugin in config.plugins.items():
        plugin_type = plugin.type or name
        known = catalogue.plugins.get(plugin_type)
        place = (*HERE, "plugins", name)
        span = variant.span_of(*place, "type") if plugin.type else variant.key_span_of(*place)
        if known is None:
            message = f"the endpoint picker {catalogue.release} has no plugin `{plugin_type}`"
            hint = did_you_mean(plugin_type, catalogue.plugins)
            yield find("C552", message, span, hint)
        elif known.removed:
            message = f"`{plugin_type}` is gone since {known.removed}"
            yield error("C552", message, span, f"use `{known.use}`")
        elif known.deprecated:
            end = f" and gone in {known.removal}" if known.removal else ""
            message = f"`{plugin_type}` is deprecated since {known.deprecated}{end}"
            yield warning("C552", message, span, f"use `{known.use}`")
        elif known.stability == "alpha" and not is_experimental(variant):
            yield error(
                "C552",
                f"`{plugin_type}` is experimental, and the picker takes none",
                span,
                f"set `scheduler.flags: {{{EXPERIMENTAL}: true}}`",
            )
    for gate in config.feature_gates:
        if gate not in catalogue.gates:
            message = f"the endpoint picker {catalogue.release} has no feature gate `{gate}`"
            span = variant.key_span_of(*HERE, "featureGates", gate)
            yield find("C552", message, span, did_you_mean(gate, catalogue.gates))
