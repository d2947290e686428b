"""C562: an objective is there, and orders requests."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.variant import Variant

READS = (
    "environment model routing.gateway routing.objectives routing.rewrites routing.route "
    "routing.scheduler.config routing.split"
)
PLACE = ("routing", "objectives")
RULES = ("routing", "route", "rules")
# Feature gate of the picker's queues (llm-d/llm-d-router, pkg/epp/flowcontrol).
GATE = "flowControl"
# Envoy adds a route's headers in its last filter, after those that ask a picker (envoyproxy/envoy,
# issue 15012); both make routes of it.
ENVOYS = ("istio", "envoy-gateway")


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.routing.objectives:
        yield from _ordered(variant)
    asked: list[tuple[tuple[str, ...], str | None]] = [
        ((*RULES, key, "objective"), rule.objective) for key, rule in variant.route.rules.items()
    ]
    for key, adapter in variant.spec.model.adapters.items():
        asked.append((("model", "adapters", key, "objective"), adapter.objective))
        if adapter.objective is not None:
            yield from _told(variant, key)
    given = [(place, name) for place, name in asked if name is not None]
    for where, name in given:
        yield from _known(variant, name, where)
    if given and variant.gateway_provider in ENVOYS:
        message = f"a Gateway of `{variant.gateway_provider}` says the objective of requests after "
        message += "the endpoint picker has read them"
        hint = "let clients send the header x-llm-d-inference-objective"
        yield warning("C562", message, variant.span_of(*given[0][0]), hint)


def _ordered(variant: Variant) -> Iterable[Diagnostic]:
    scheduler = variant.scheduler
    if scheduler is None or scheduler.config is None:
        message = "`objectives` are the endpoint picker's, and there is none"
        hint = "extend a routing profile, or set `routing.scheduler.config`"
        yield error("C562", message, variant.key_span_of(*PLACE), hint)
    elif not scheduler.config.feature_gates.get(GATE):
        # Without queues only requests below zero are told apart: a full pool refuses them.
        above = [k for k, each in variant.routing.objectives.items() if each.priority > 0]
        for key in above[:1]:
            message = f"without flow control requests of `{key}` go no sooner than others"
            hint = f"set `routing.scheduler.config.featureGates.{GATE}: true`"
            yield warning("C562", message, variant.key_span_of(*PLACE, key), hint)


def _known(variant: Variant, name: str, place: tuple[str, ...]) -> Iterable[Diagnostic]:
    known = variant.routing.objectives
    if name not in known:
        hint = did_you_mean(name, known) or "declare it under `routing.objectives`"
        message = f"there is no objective `{name}`"
        yield error("C562", message, variant.span_of(*place), hint)


def _told(variant: Variant, adapter: str) -> Iterable[Diagnostic]:
    span = variant.span_of("model", "adapters", adapter, "objective")
    if variant.gateway is None:
        message = f"requests for `{adapter}` get their objective from a route, and there is none"
        yield error("C562", message, span, "set `routing.gateway.name`")
    elif variant.route.match_model != "model-name":
        message = f"the route does not tell requests for `{adapter}` from the model's others"
        hint = "set `routing.route.matchModel: model-name`"
        yield error("C562", message, span, hint)
