"""C515, C554: the endpoint picker's plugins and profiles must hold together, or it stops at
start-up.

Rules: llm-d/llm-d-router, pkg/epp/config/loader (validation.go, configloader.go, defaults.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelmill.catalogues import PickerCatalogue, PluginType
from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error, warning
from modelmill.picker_parameters import (
    OF_SETTINGS,
    catalogue_of,
    config_of,
    found_in_settings,
    types_of,
    value_at,
)
from modelmill.spec.picker import DataLayer, FlowControl, PickerConfig, PriorityBand
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

READS = OF_SETTINGS
Place = tuple[str, ...]
HERE: Place = ("routing", "scheduler", "config")
IN_PROFILES = ("filter", "scorer", "picker")
# Producers hear of pods that come and go.
EXTRACTORS = ("extractor", "producer", "prefix-cache-producer")
SINGLE = "single-profile-handler"


class Reference(NamedTuple):
    """A place that names a plugin: what the place is called, and the kinds of plugin that fit it;
    any, where none is given."""

    name: str
    says: str
    kinds: tuple[str, ...]
    place: Place
    is_key: bool = False


def check(variant: Variant) -> Iterable[Diagnostic]:
    return found_in_settings(variant, "picker graph", _all_of)


def _all_of(variant: Variant) -> Iterable[Diagnostic]:
    config = config_of(variant)
    if not config.scheduling_profiles:
        yield error(
            "C515",
            "the scheduler has no scheduling profile to choose pods by",
            variant.span_of(*HERE),
            "extend a routing preset, or set `schedulingProfiles` and `plugins`",
        )
    for each in _references(variant, config):
        yield from _judge(variant, each)
    yield from _handlers(variant, config)
    for name in config.scheduling_profiles:
        yield from _pickers(variant, config, name)
        yield from _weights(variant, config, name)
    yield from _profiles_named(variant, config)
    yield from _bands_twice(variant, config)


def _known(variant: Variant, name: str) -> PluginType | None:
    """What the release knows of a plugin: of one that is named, or of one that comes by itself."""
    return catalogue_of(variant).plugins.get(types_of(variant).get(name, name))


def _judge(variant: Variant, reference: Reference) -> Iterable[Diagnostic]:
    name, plugins = reference.name, config_of(variant).plugins
    place = variant.key_span_of if reference.is_key else variant.span_of
    span, known = place(*reference.place), _known(variant, name)
    if name not in plugins and not (known is not None and known.automatic):
        yield error(
            "C515",
            f"{reference.says} uses the plugin `{name}`, which is not among `plugins`",
            span,
            did_you_mean(name, plugins) or f"add `plugins: {{{name}: {{}}}}`",
        )
    elif known is not None and reference.kinds and not set(known.kinds) & set(reference.kinds):
        kinds, wanted = _a(known.kinds), _a(reference.kinds[:1])
        if reference.kinds == IN_PROFILES:
            # The picker takes no notice of it there.
            message = f"`{name}` is {kinds}, which has no part in a profile"
            yield warning("C554", message, span, "take it out; `plugins` is enough")
        else:
            message = f"{reference.says} needs {wanted}, and `{name}` is {kinds}"
            yield error("C554", message, span, _fitting(variant, reference))


def _a(kinds: Iterable[str]) -> str:
    """Kinds as a sentence has them: `a filter and a scorer`."""
    return " and ".join(
        f"{'an' if kind[0] in 'aeio' else 'a'} {kind.replace('-', ' ')}" for kind in kinds
    )


def _fitting(variant: Variant, reference: Reference) -> str:
    fits = [
        name
        for name in config_of(variant).plugins
        if (known := _known(variant, name)) and set(known.kinds) & set(reference.kinds[:1])
    ]
    return "these would do: " + ", ".join(fits) if fits else ""


def _references(variant: Variant, config: PickerConfig) -> Iterator[Reference]:
    for name, profile in config.scheduling_profiles.items():
        for ref in profile.plugins:
            place = (*HERE, "schedulingProfiles", name, "plugins", ref)
            yield Reference(ref, f"the profile `{name}`", IN_PROFILES, place, True)
    if config.data_layer is not None:
        yield from _of_data_layer(config.data_layer)
    if config.flow_control is not None:
        yield from _of_flow_control(config.flow_control)
    for ref in config.request_handler.parsers if config.request_handler else ():
        place = (*HERE, "requestHandler", "parsers", ref)
        yield Reference(ref, "`parsers`", ("parser",), place, True)
    yield from _of_parameters(catalogue_of(variant), config)


def _of_data_layer(layer: DataLayer) -> Iterator[Reference]:
    here: Place = (*HERE, "dataLayer")
    for name, source in layer.sources.items():
        place = (*here, "sources", name)
        yield Reference(name, "`sources`", ("data-source",), place, True)
        for ref in source.extractors:
            at = (*place, "extractors", ref)
            yield Reference(ref, f"the source `{name}`", EXTRACTORS, at, True)
    if layer.discovery is not None:
        place = (*here, "discovery", "pluginRef")
        yield Reference(layer.discovery.plugin_ref, "`discovery`", ("discovery",), place)
    if layer.peer_discovery is not None:
        place = (*here, "peerDiscovery", "pluginRef")
        yield Reference(layer.peer_discovery.plugin_ref, "`peerDiscovery`", (), place)
    if layer.cross_replica_syncer_plugin_ref:
        place = (*here, "crossReplicaSyncerPluginRef")
        says = "`crossReplicaSyncerPluginRef`"
        yield Reference(layer.cross_replica_syncer_plugin_ref, says, (), place)


def _of_flow_control(queues: FlowControl) -> Iterator[Reference]:
    here: Place = (*HERE, "flowControl")
    bands: list[tuple[tuple[str, ...], PriorityBand | None]] = [
        (("defaultPriorityBand",), queues.default_priority_band),
        (("defaultNegativePriorityBand",), queues.default_negative_priority_band),
        *((("priorityBands", name), band) for name, band in queues.priority_bands.items()),
    ]
    for path, band in bands:
        chosen = {
            "fairnessPolicyRef": (band and band.fairness_policy_ref, "fairness-policy"),
            "orderingPolicyRef": (band and band.ordering_policy_ref, "ordering-policy"),
        }
        for key, (ref, kind) in chosen.items():
            if ref:
                yield Reference(ref, f"`{key}`", (kind,), (*here, *path, key))
    limit, detector = queues.usage_limit_policy_plugin_ref, queues.saturation_detector
    if limit:
        place = (*here, "usageLimitPolicyPluginRef")
        yield Reference(limit, "`usageLimitPolicyPluginRef`", ("usage-limit-policy",), place)
    if detector is not None:
        place = (*here, "saturationDetector", "pluginRef")
        kinds = ("saturation-detector",)
        yield Reference(detector.plugin_ref, "`saturationDetector`", kinds, place)


def _of_parameters(catalogue: PickerCatalogue, config: PickerConfig) -> Iterator[Reference]:
    for name, plugin in config.plugins.items():
        known = catalogue.plugins.get(plugin.type or name)
        for path, parameter in known.parameters.items() if known else ():
            ref = value_at(plugin.parameters, path)
            if parameter.type == "plugin" and isinstance(ref, str):
                place = (*HERE, "plugins", name, "parameters", *path.split("."))
                yield Reference(ref, f"`{path}` of `{name}`", parameter.kinds, place)


def _of_kind(variant: Variant, names: Iterable[str], kind: str) -> list[str]:
    return [name for name in names if (known := _known(variant, name)) and kind in known.kinds]


def _handlers(variant: Variant, config: PickerConfig) -> Iterable[Diagnostic]:
    found = _of_kind(variant, config.plugins, "profile-handler")
    profiles = list(config.scheduling_profiles)
    unknown = any(_known(variant, name) is None for name in config.plugins)
    for name in found[1:]:
        first = variant.key_span_of(*HERE, "plugins", found[0])
        yield error(
            "C554",
            f"`{name}` is a second profile handler, and a picker has one",
            variant.key_span_of(*HERE, "plugins", name),
            f"keep `{found[0]}` or `{name}`",
            [Note(f"`{found[0]}` is the first", first)],
        )
    if not found and len(profiles) > 1 and not unknown:
        yield error(
            "C554",
            f"no plugin says which of the {len(profiles)} profiles a request is for",
            variant.key_span_of(*HERE, "schedulingProfiles", profiles[1]),
            "add a profile handler: `plugins: {disagg-profile-handler: {}}`",
        )
    if len(found) == 1 and types_of(variant)[found[0]] == SINGLE and len(profiles) > 1:
        yield error(
            "C554",
            f"`{SINGLE}` knows one profile, and there are {len(profiles)}",
            variant.key_span_of(*HERE, "schedulingProfiles", profiles[1]),
            "take the profile out, or use another profile handler",
        )


def _pickers(variant: Variant, config: PickerConfig, profile: str) -> Iterable[Diagnostic]:
    place = (*HERE, "schedulingProfiles", profile)
    found = _of_kind(variant, config.scheduling_profiles[profile].plugins, "picker")
    for name in found[1:]:
        yield error(
            "C554",
            f"`{name}` is a second picker of the profile `{profile}`, which has one",
            variant.key_span_of(*place, "plugins", name),
            f"keep `{found[0]}` or `{name}`",
        )
    declared = _of_kind(variant, config.plugins, "picker")
    if not found and len(declared) > 1:
        yield error(
            "C554",
            f"the profile `{profile}` has no picker, and would get any of {', '.join(declared)}",
            variant.key_span_of(*place),
            f"name one: `plugins: {{{declared[0]}: {{}}}}`",
        )


def _weights(variant: Variant, config: PickerConfig, profile: str) -> Iterable[Diagnostic]:
    for name, entry in config.scheduling_profiles[profile].plugins.items():
        known = _known(variant, name)
        if entry.weight is not None and known is not None and "scorer" not in known.kinds:
            place = (*HERE, "schedulingProfiles", profile, "plugins", name, "weight")
            message = f"`{name}` is {_a(known.kinds)}, and only a scorer has a weight"
            yield warning("C554", message, variant.key_span_of(*place), "leave it out")


def _profiles_named(variant: Variant, config: PickerConfig) -> Iterable[Diagnostic]:
    """Profiles that parameters name, or mean unless they name another."""
    for name, plugin in config.plugins.items():
        known = _known(variant, name)
        for path, parameter in known.parameters.items() if known else ():
            if parameter.type != "profile":
                continue
            said = value_at(plugin.parameters, path)
            stage = path.rpartition(".")[2]
            optional = stage in ("prefill", "encode")
            decided = not optional or value_at(plugin.parameters, f"deciders.{stage}")
            wanted = said or (parameter.default if decided else None)
            if isinstance(wanted, str) and wanted not in config.scheduling_profiles:
                own = ("parameters", *path.split(".")) if said else ()
                place = variant.span_of if said else variant.key_span_of
                yield error(
                    "C515",
                    f"`{name}` uses the profile `{wanted}`, which is not among "
                    "`schedulingProfiles`",
                    place(*HERE, "plugins", name, *own),
                    did_you_mean(wanted, config.scheduling_profiles),
                )


def _bands_twice(variant: Variant, config: PickerConfig) -> Iterable[Diagnostic]:
    seen: dict[int, str] = {}
    for name in config.flow_control.priority_bands if config.flow_control else ():
        first = seen.setdefault(int(name), name)
        if first != name:
            span = variant.key_span_of(*HERE, "flowControl", "priorityBands", name)
            yield error("C554", f"`{first}` and `{name}` are one priority", span, "keep one")
