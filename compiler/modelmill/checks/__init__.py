"""Semantic rules, one module each.

A variant rule judges one model in one environment; a fleet rule judges all of them together, from
the `Facts` each variant leaves. Rules return diagnostics, ask nothing of a disk, and mend nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Protocol, cast

from modelmill.checks import (
    accelerators,
    component_flags,
    device_claims,
    disaggregation,
    dual_pods,
    engine_flags,
    engines_given,
    environment_variables,
    extra_objects,
    further_fields,
    identity,
    images,
    labels,
    lora_adapters,
    model_caches,
    name_length,
    object_names,
    picker_graph,
    pod_groups,
    pod_security,
    rank_ports,
    role_types,
    routes,
    scale_targets,
    selectors,
    served_names,
    splits,
    traffic,
    unselected,
    vendors,
    weights,
)
from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic
from modelmill.variant import Variant


class VariantCheck(Protocol):
    def check(self, variant: Variant) -> Iterable[Diagnostic]: ...


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
    engine_flags,
    component_flags,
    environment_variables,
    images,
    labels,
    name_length,
    picker_graph,
    extra_objects,
    identity,
    unselected,
    device_claims,
    dual_pods,
    pod_security,
    further_fields,
    lora_adapters,
    model_caches,
    traffic,
)
FLEET_MODULES: tuple[ModuleType, ...] = (
    object_names,
    served_names,
    routes,
    selectors,
    splits,
    scale_targets,
)

VARIANT_CHECKS: tuple[VariantCheck, ...] = tuple(cast(VariantCheck, m) for m in VARIANT_MODULES)
FLEET_CHECKS: tuple[FleetCheck, ...] = tuple(cast(FleetCheck, m) for m in FLEET_MODULES)
