"""C553: parameters of the endpoint picker's plugins must be those of their types.

The picker reads them strictly: one that it does not know stops it (llm-d/llm-d-router,
pkg/epp/framework/interface/plugin, StrictDecoder).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.catalogues import Parameter, PluginType
from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.picker_parameters import (
    OF_SETTINGS,
    catalogue_of,
    config_of,
    found_in_settings,
    value_at,
)
from modelmill.regexes import regex
from modelmill.shapes import written
from modelmill.variant import Variant

READS = OF_SETTINGS
PLUGINS = ("routing", "scheduler", "config", "plugins")
SAYS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "plugin": "the name of a plugin",
    "profile": "the name of a profile",
    "duration": "a duration, like 2s",
    "list": "a list",
    "map": "a mapping",
}
# time.ParseDuration of Go.
_duration = regex(r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")


def check(variant: Variant) -> Iterable[Diagnostic]:
    return found_in_settings(variant, "plugin parameters", _all_of)


def _all_of(variant: Variant) -> Iterable[Diagnostic]:
    own = variant.scheduler is not None and variant.scheduler.image is not None
    for name, plugin in config_of(variant).plugins.items():
        known = catalogue_of(variant).plugins.get(plugin.type or name)
        if known is None:
            continue
        for path in _paths(plugin.parameters, known):
            for each in _judge(variant, name, path, known):
                # A picker of one's own image may have other parameters.
                yield each._replace(severity="warning") if own else each
        yield from _both_forms(variant, name, known)


def _paths(parameters: Any, known: PluginType, above: str = "") -> Iterator[str]:
    """Dotted paths of what is set: of parameters that are known, and of those that nothing is."""
    for key, value in parameters.items():
        path = f"{above}{key}"
        inside = any(other.startswith(f"{path}.") for other in known.parameters)
        if path in known.parameters or not inside or not isinstance(value, Mapping):
            yield path
        if inside and isinstance(value, Mapping):
            yield from _paths(value, known, f"{path}.")


def _judge(variant: Variant, name: str, path: str, known: PluginType) -> Iterable[Diagnostic]:
    parameters = config_of(variant).plugins[name].parameters
    plugin_type = config_of(variant).plugins[name].type or name
    place = (*PLUGINS, name, "parameters", *path.split("."))
    parameter, value = known.parameters.get(path), value_at(parameters, path)
    if parameter is None:
        if known.open or _is_free(path, known):
            return
        if any(other.startswith(f"{path}.") for other in known.parameters):
            message, span = f"`{path}` must be a mapping", variant.span_of(*place)
            yield error("C553", message, span)
            return
        yield error(
            "C553",
            f"`{plugin_type}` has no parameter `{path}`",
            variant.key_span_of(*place),
            did_you_mean(path, known.parameters) or _all(known),
        )
    elif not _fits(parameter, value):
        node = variant.tree.nearest(*place)
        message = f"`{path}` must be {SAYS[parameter.type]}, not {written(node)}"
        yield error("C553", message, node.span)
    else:
        yield from _bounds(variant, path, parameter, value, place)


def _is_free(path: str, known: PluginType) -> bool:
    """Whether it stands below a parameter that may hold anything."""
    parts = path.split(".")
    above = (".".join(parts[:end]) for end in range(1, len(parts)))
    return any(each in known.parameters and known.parameters[each].type == "map" for each in above)


def _all(known: PluginType) -> str:
    names = [path for path, each in known.parameters.items() if not each.deprecated]
    return "its parameters are " + ", ".join(names) if names else "it has none"


def _fits(parameter: Parameter, value: Any) -> bool:
    if parameter.type == "boolean":
        return isinstance(value, bool)
    if parameter.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if parameter.type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if parameter.type == "list":
        return isinstance(value, list | tuple)
    if parameter.type == "map":
        return isinstance(value, Mapping)
    if parameter.type == "duration":
        return isinstance(value, str) and _duration.fullmatch(value) is not None
    return isinstance(value, str)


def _bounds(
    variant: Variant, path: str, parameter: Parameter, value: Any, place: tuple[str, ...]
) -> Iterable[Diagnostic]:
    span = variant.span_of(*place)
    if parameter.deprecated:
        message = f"`{path}` is deprecated since {parameter.deprecated}"
        yield warning("C553", message, variant.key_span_of(*place), f"use `{parameter.use}`")
    if parameter.choices and value not in parameter.choices:
        message = f"`{path}` must be one of {', '.join(parameter.choices)}, not `{value}`"
        yield error("C553", message, span, did_you_mean(value, parameter.choices))
    if parameter.above is not None and value <= parameter.above:
        yield error("C553", f"`{path}` must be more than {parameter.above}, not {value}", span)
    elif parameter.minimum is not None and value < parameter.minimum:
        yield error("C553", f"`{path}` must be at least {parameter.minimum}, not {value}", span)
    elif parameter.maximum is not None and value > parameter.maximum:
        yield error("C553", f"`{path}` must be at most {parameter.maximum}, not {value}", span)


def _both_forms(variant: Variant, name: str, known: PluginType) -> Iterable[Diagnostic]:
    """A parameter beside the one that replaced it: the picker takes one form or the other."""
    parameters = config_of(variant).plugins[name].parameters
    for path, parameter in known.parameters.items():
        group = parameter.use.partition(".")[0]
        if parameter.deprecated and path in parameters and parameter.use and group in parameters:
            yield error(
                "C553",
                f"`{path}` and `{group}` of `{name}` say the same in two ways",
                variant.key_span_of(*PLUGINS, name, "parameters", path),
                f"keep `{parameter.use}`",
            )
