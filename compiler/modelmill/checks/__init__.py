"""Semantic rules, one module each.

A variant rule judges one model in one environment; an environment rule what an overlay says of its
own objects; a fleet rule all variants together, from the `Facts` each leaves. Rules return
diagnostics, ask nothing of a disk, and mend nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Protocol, cast

from modelmill.catalog import Document
from modelmill.checks import (
    accelerators,
    adapter_sync,
    autoscaling,
    component_flags,
    connector_settings,
    device_claims,
    disaggregation,
    dual_pods,
    engine_flags,
    engines_given,
    environment_variables,
    exemptions,
    external_secrets,
    extra_objects,
    further_fields,
    further_triggers,
    gateway_attachment,
    identity,
    images,
    kserve_groups,
    kserve_presets,
    kserve_roles,
    kserve_rules,
    kserve_settings,
    kserve_targets,
    kserve_thin,
    kserve_weights,
    kv_caches,
    kv_events,
    labels,
    listeners,
    lora_adapters,
    model_caches,
    name_length,
    network_policies,
    networks,
    object_names,
    object_stores,
    objectives,
    observability,
    picker_graph,
    picker_helpers,
    picker_types,
    plugin_parameters,
    pod_groups,
    precise_prefixes,
    rank_ports,
    role_types,
    route_limits,
    route_rules,
    routes,
    scale_targets,
    scaling_formulas,
    scaling_signals,
    selectors,
    served_names,
    shared_secrets,
    splits,
    tls,
    traffic,
    unselected,
    unused_replicas,
    vendors,
    weights,
)
from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic
from modelmill.variant import Variant


class VariantCheck(Protocol):
    def check(self, variant: Variant) -> Iterable[Diagnostic]: ...


class EnvironmentCheck(Protocol):
    def check(self, overlay: Document) -> Iterable[Diagnostic]: ...


class FleetCheck(Protocol):
    def check(self, fleet: Sequence[Facts]) -> Iterable[Diagnostic]: ...


VARIANT_MODULES: tuple[ModuleType, ...] = (
    role_types,
    engines_given,
    weights,
    accelerators,
    vendors,
    pod_groups,
    rank_ports,
    disaggregation,
    networks,
    engine_flags,
    component_flags,
    environment_variables,
    images,
    labels,
    name_length,
    picker_graph,
    picker_helpers,
    picker_types,
    plugin_parameters,
    precise_prefixes,
    extra_objects,
    identity,
    unselected,
    device_claims,
    dual_pods,
    further_fields,
    lora_adapters,
    adapter_sync,
    object_stores,
    model_caches,
    kv_caches,
    connector_settings,
    kv_events,
    traffic,
    route_limits,
    route_rules,
    objectives,
    gateway_attachment,
    tls,
    observability,
    network_policies,
    external_secrets,
    autoscaling,
    further_triggers,
    scaling_formulas,
    scaling_signals,
    kserve_roles,
    kserve_settings,
    kserve_weights,
    kserve_groups,
    kserve_presets,
    kserve_rules,
    kserve_thin,
)
ENVIRONMENT_MODULES: tuple[ModuleType, ...] = (
    listeners,
    shared_secrets,
    exemptions,
    kserve_targets,
)
FLEET_MODULES: tuple[ModuleType, ...] = (
    object_names,
    served_names,
    routes,
    selectors,
    splits,
    scale_targets,
    unused_replicas,
)

VARIANT_CHECKS: tuple[VariantCheck, ...] = tuple(cast(VariantCheck, m) for m in VARIANT_MODULES)
ENVIRONMENT_CHECKS: tuple[EnvironmentCheck, ...] = tuple(
    cast(EnvironmentCheck, m) for m in ENVIRONMENT_MODULES
)
FLEET_CHECKS: tuple[FleetCheck, ...] = tuple(cast(FleetCheck, m) for m in FLEET_MODULES)
