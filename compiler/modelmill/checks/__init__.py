"""Semantic rules, one module each.

A variant rule judges one model in one environment; an environment rule what an overlay says of its
own objects; a fleet rule all variants together, from the `Facts` each leaves. Rules return
diagnostics, ask nothing of a disk, and mend nothing. A rule is imported when there is something for
it to judge.

A variant rule may tell what it READS, in words: fields of roles (`pod`, `engine.args`), of the spec
(`model`), of `routing` and its scheduler (`routing.scheduler.config`), and `environment` for all
that is said of that itself. It then goes by nothing else of a variant, nor by the places of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol, cast

from modelmill.catalog import Document
from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic
from modelmill.relevant import KSERVE, Registry, modules
from modelmill.sharing import changes
from modelmill.variant import Variant


class VariantCheck(Protocol):
    def check(self, variant: Variant) -> Iterable[Diagnostic]: ...


class EnvironmentCheck(Protocol):
    def check(self, overlay: Document) -> Iterable[Diagnostic]: ...


class FleetCheck(Protocol):
    def check(self, fleet: Sequence[Facts]) -> Iterable[Diagnostic]: ...


VARIANT_RULES = {
    "role_types": "",
    "engines_given": "",
    "weights": "",
    "accelerators": "",
    "vendors": "",
    "pod_groups": "",
    "rank_ports": "",
    "disaggregation": "",
    "networks": "",
    "engine_flags": "",
    "component_flags": "scheduler sidecar",
    "environment_variables": "",
    "images": "",
    "labels": "",
    "name_length": "",
    "picker_graph": "scheduler",
    "picker_helpers": "scheduler",
    "picker_types": "scheduler",
    "plugin_parameters": "scheduler",
    "precise_prefixes": "scheduler",
    "extra_objects": "extra_objects",
    "identity": "",
    "unselected": "",
    "device_claims": "",
    "dual_pods": "dual_pods",
    "further_fields": "",
    "lora_adapters": "adapters",
    "adapter_sync": "adapter_sync",
    "object_stores": "",
    "model_caches": "cache",
    "kv_caches": "kv_cache_offloading",
    "connector_settings": "kv_events kv_cache_offloading",
    "kv_events": "kv_events kv_cache_offloading",
    "traffic": "routing",
    "route_limits": "route",
    "route_rules": "route",
    "objectives": "objectives rules adapters",
    "gateway_attachment": "gateway",
    "tls": "tls",
    "observability": "pod_monitor monitor alerts",
    "network_policies": "network_policy",
    "external_secrets": "external_secrets",
    "autoscaling": "autoscaling",
    "further_triggers": "autoscaling",
    "scaling_formulas": "autoscaling",
    "scaling_signals": "autoscaling",
    "kserve_roles": KSERVE,
    "kserve_settings": KSERVE,
    "kserve_weights": KSERVE,
    "kserve_groups": KSERVE,
    "kserve_presets": KSERVE,
    "kserve_rules": KSERVE,
    "kserve_thin": KSERVE,
}
"""Rules, and the fields without which one finds nothing (`relevant`)."""
EVERYONES = ("another model", "engine", "roles", "routing", "routing.scheduler")
"""What every rule reads: which roles there are, and whether these are said at all."""
ENVIRONMENT = "environment"
PLACE = (ENVIRONMENT, "gateways", "namespace", "registries")
ENVIRONMENT_RULES = ("listeners", "shared_secrets", "exemptions", "kserve_targets")
FLEET_RULES = (
    "object_names",
    "served_names",
    "routes",
    "selectors",
    "splits",
    "scale_targets",
    "unused_replicas",
)
_of_variants = Registry(__name__, VARIANT_RULES)


def of_variant(variant: Variant) -> list[Diagnostic]:
    """What is wrong with a model in one environment. A rule that found nothing of the model's first
    variant is not asked of another that differs from it in nothing the rule reads."""
    first, rules = variant.first, cast(tuple[VariantCheck, ...], _of_variants.of(variant))
    silent: set[VariantCheck] = first.made.setdefault(of_variant, set())
    if first is variant:
        found: list[Diagnostic] = []
        for rule in rules:
            own = list(rule.check(variant))
            found += own
            if not own:
                silent.add(rule)
        return found
    asked, alike = _told_apart(rules, changes(variant))
    if not silent.issuperset(alike):
        spared = silent.intersection(alike)
        asked = tuple(rule for rule in rules if rule not in spared)
    return [each for rule in asked for each in rule.check(variant)]


@lru_cache(maxsize=1024)
def _told_apart(
    rules: tuple[VariantCheck, ...], changed: frozenset[str]
) -> tuple[tuple[VariantCheck, ...], tuple[VariantCheck, ...]]:
    """The rules that read something of what is changed, and those that do not."""
    words = {ENVIRONMENT if each in PLACE else each.removeprefix("roles.") for each in changed}
    reads = {rule: getattr(rule, "READS", None) for rule in rules}
    alike = tuple(
        rule
        for rule, said in reads.items()
        if said is not None and words.isdisjoint((*said.split(), *EVERYONES))
    )
    return tuple(rule for rule in rules if rule not in alike), alike


def of_environments(overlays: Iterable[Document]) -> Iterator[Diagnostic]:
    """What is wrong with environments' own objects."""
    rules = [cast(EnvironmentCheck, each) for each in modules(__name__, *ENVIRONMENT_RULES)]
    for overlay in overlays:
        for rule in rules:
            yield from rule.check(overlay)


def of_fleet(fleet: Sequence[Facts]) -> Iterator[Diagnostic]:
    """What is wrong between variants."""
    for rule in modules(__name__, *FLEET_RULES):
        yield from cast(FleetCheck, rule).check(fleet)
