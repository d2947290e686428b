"""The configuration file of a model's endpoint picker.

In: a variant with a picker. Out: its EndpointPickerConfig (llm-d.ai/v1alpha1, llm-d/llm-d-router,
apix/config). What refers to plugins is a mapping by the plugin's name in the input and a list of
references here, in the order it was written; parameters that nobody set are `picker_parameters`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from modelmill import tls
from modelmill.containers import Manifest, given
from modelmill.picker_parameters import METRICS, named, no_endpoint_ttl, parameters_of
from modelmill.spec.picker import (
    DataLayer,
    FlowControl,
    PickerConfig,
    PluginChoice,
    PriorityBand,
    SchedulingProfile,
)
from modelmill.variant import Variant


def picker_config(variant: Variant, config: PickerConfig) -> Manifest:
    """The EndpointPickerConfig as it is mounted."""
    plugins = [
        given(
            name=name if plugin.type and plugin.type != name else None,
            type=plugin.type or name,
            parameters=parameters_of(variant, name),
        )
        for name, plugin in config.plugins.items()
    ]
    plugins += _implied(variant, config)
    gates = [name if on else f"{name}=false" for name, on in sorted(config.feature_gates.items())]
    handler = config.request_handler
    return given(
        apiVersion=variant.versions.apis["EndpointPickerConfig"],
        kind="EndpointPickerConfig",
        featureGates=gates,
        plugins=plugins,
        schedulingProfiles=_profiles(config),
        dataLayer=_data_layer(config.data_layer) if config.data_layer else None,
        flowControl=_flow_control(variant, config.flow_control or FlowControl()),
        requestHandler=given(parsers=_references(handler.parsers)) if handler else None,
    )


def _implied(variant: Variant, config: PickerConfig) -> list[Manifest]:
    """The picker brings its own source of metrics, which asks over plain HTTP."""
    parameters = tls.source_parameters(variant)
    brings = config.data_layer is None or config.data_layer.inject_defaults is not False
    if not parameters or not brings or named(variant, METRICS):
        return []
    return [{"type": METRICS, "parameters": parameters}]


@lru_cache(maxsize=64)
def _profiles(config: PickerConfig) -> list[Manifest]:
    return [_profile(*each) for each in config.scheduling_profiles.items()]


def _profile(name: str, profile: SchedulingProfile) -> Manifest:
    refs = [
        given(pluginRef=ref, weight=_number(entry.weight)) for ref, entry in profile.plugins.items()
    ]
    return {"name": name, "plugins": refs}


def _number(text: str | None) -> int | float | None:
    if text is None:
        return None
    return int(text) if text.isdigit() else float(text)


def _data_layer(layer: DataLayer) -> Manifest:
    sources = [
        {"pluginRef": name, "extractors": _references(source.extractors)}
        for name, source in layer.sources.items()
    ]
    return given(
        injectDefaults=layer.inject_defaults,
        sources=sources,
        discovery=_choice(layer.discovery),
        peerDiscovery=_choice(layer.peer_discovery),
        crossReplicaSyncerPluginRef=layer.cross_replica_syncer_plugin_ref,
        crossReplicaSyncInterval=layer.cross_replica_sync_interval,
    )


def _flow_control(variant: Variant, queues: FlowControl) -> Manifest:
    bands = [
        {"priority": int(priority), **_band(band)}
        for priority, band in _by_priority(queues.priority_bands)
    ]
    return given(
        maxBytes=queues.max_bytes,
        maxRequests=queues.max_requests,
        defaultRequestTTL=queues.default_request_ttl,
        noEndpointRequestTTL=queues.no_endpoint_request_ttl or no_endpoint_ttl(variant),
        defaultPriorityBand=_band(queues.default_priority_band),
        defaultNegativePriorityBand=_band(queues.default_negative_priority_band),
        priorityBands=bands,
        usageLimitPolicyPluginRef=queues.usage_limit_policy_plugin_ref,
        saturationDetector=_choice(queues.saturation_detector),
        enableEviction=queues.enable_eviction,
    )


def _by_priority(bands: Mapping[str, PriorityBand]) -> Iterable[tuple[str, PriorityBand]]:
    """Highest first: their order has no meaning to the picker."""
    return sorted(bands.items(), key=lambda each: -int(each[0]))


def _band(band: PriorityBand | None) -> Manifest:
    if band is None:
        return {}
    return given(
        maxBytes=band.max_bytes,
        maxRequests=band.max_requests,
        fairnessPolicyRef=band.fairness_policy_ref,
        orderingPolicyRef=band.ordering_policy_ref,
    )


def _choice(place: PluginChoice | None) -> Manifest:
    return {"pluginRef": place.plugin_ref} if place is not None else {}


def _references(named: Mapping[str, Any]) -> list[Manifest]:
    return [{"pluginRef": name} for name in named]
