"""C555: what stands beside the endpoint picker, and what it is for, must fit together."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import latency_predictor, tokenizer
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.picker_parameters import (
    FLOW_CONTROL,
    LATENCIES,
    catalogue_of,
    config_of,
    is_gated,
    named,
    types_of,
)
from modelmill.spec.picker import FlowControl
from modelmill.spec.routing import Scheduler
from modelmill.variant import Variant

READS = (
    "routing.scheduler.config routing.scheduler.env routing.scheduler.latency_predictor "
    "routing.scheduler.pod_disruption_budget routing.scheduler.replicas "
    "routing.scheduler.tokenizer type"
)
SCHEDULER = ("routing", "scheduler")
CONFIG = (*SCHEDULER, "config")
PICKER_PORTS = {9002: "requests", 9003: "health", 9090: "metrics"}
"""What the picker listens on itself."""
READS_LATENCIES = (
    LATENCIES,
    "latency-scorer",
    "slo-headroom-tier-filter",
    "latency-slo-admitter",
)
"""Types of plugins that read predictions, or ask for them."""
STAGED = ("disagg-profile-handler", "header-profile-handler", "pd-profile-handler")
"""Types of plugins that send a request through prefill and decode."""
PREFIX_DECIDER = "prefix-based-pd-decider"
OWN_ENV = ("NAMESPACE", "POD_NAME")
"""Variables that flags and leader election read."""
ROLE_FILTERS = ("decode-filter", "prefill-filter", "encode-filter")


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.scheduler is None:
        return
    yield from _itself(variant, variant.scheduler)
    yield from _ports(variant)
    yield from _predictions(variant)
    yield from _found(variant)
    yield from _queues(variant)
    yield from _stages(variant)


def _itself(variant: Variant, scheduler: Scheduler) -> Iterable[Diagnostic]:
    """Its variables, and how many stay when nodes are drained."""
    for name in (name for name in OWN_ENV if name in scheduler.env):
        message = f"`{name}` tells the picker where it is, and is the pod's own"
        yield error("C555", message, variant.key_span_of(*SCHEDULER, "env", name), "leave it out")
    if scheduler.replicas > 1 and _must_stay(scheduler) > 0:
        # llm-d/llm-d-router, docs/operations.md.
        message = "of several pickers only the one that leads is ready, and it could never be moved"
        span = variant.key_span_of(*SCHEDULER, "podDisruptionBudget")
        yield error("C555", message, span, "take it out: another one leads within seconds")


def _must_stay(scheduler: Scheduler) -> int:
    """How many ready pickers a budget wants; percentages are rounded up, as Kubernetes does."""
    budget, pods = scheduler.pod_disruption_budget, scheduler.replicas
    if budget is None:
        return 0
    if budget.min_available is not None:
        return _of(budget.min_available, pods)
    return pods - _of(budget.max_unavailable or "1", pods)


def _of(amount: str, pods: int) -> int:
    return -(-int(amount[:-1]) * pods // 100) if amount.endswith("%") else int(amount)


def _ports(variant: Variant) -> Iterable[Diagnostic]:
    """Containers of a pod share its ports."""
    if not tokenizer.is_beside(variant):
        return
    learned = dict.fromkeys(latency_predictor.ports(variant), "the latency predictor")
    taken = {**PICKER_PORTS, **learned}
    port = tokenizer.port(variant)
    if port in taken:
        yield error(
            "C555",
            f"the tokenizer's port {port} is the one for {taken[port]} in the picker's pod",
            variant.span_of(*SCHEDULER, "tokenizer", "port"),
            "leave it out, or take another one",
        )


def _predictions(variant: Variant) -> Iterable[Diagnostic]:
    scheduler, types = variant.scheduler, types_of(variant)
    assert scheduler is not None
    readers = [name for name, each in types.items() if each in READS_LATENCIES]
    readers += [
        name
        for name, plugin in config_of(variant).plugins.items()
        if plugin.parameters.get("ttftSource") == "latencyPredictor"
    ]
    elsewhere = "PREDICTION_SERVER_URL" in scheduler.env
    if readers and scheduler.latency_predictor is None and not elsewhere:
        yield error(
            "C555",
            f"`{readers[0]}` goes by predicted latencies, and nothing predicts them",
            variant.key_span_of(*CONFIG, "plugins", readers[0]),
            "set `routing.scheduler.latencyPredictor: {}`",
        )
    if scheduler.latency_predictor is not None and not readers:
        span = variant.key_span_of(*SCHEDULER, "latencyPredictor")
        message = "no plugin goes by what the latency predictor says"
        yield warning("C555", message, span, "take it out, or add `plugins: {latency-scorer: {}}`")


def _found(variant: Variant) -> Iterable[Diagnostic]:
    """A picker that finds pods by itself asks Kubernetes for none (llm-d/llm-d-router,
    docs/discovery.md)."""
    layer = config_of(variant).data_layer
    if layer is not None and layer.discovery is not None:
        yield warning(
            "C555",
            "with `discovery` the picker takes no notice of the model's pods, objectives and "
            "rewrites",
            variant.key_span_of(*CONFIG, "dataLayer", "discovery"),
            "take it out: a picker finds the pods of its InferencePool",
        )


def _queues(variant: Variant) -> Iterable[Diagnostic]:
    queues = config_of(variant).flow_control
    if queues is None or is_gated(variant, FLOW_CONTROL):
        return
    # Which detector tells that a pool is full counts without queues too.
    if queues != FlowControl(saturation_detector=queues.saturation_detector):
        yield warning(
            "C555",
            f"`flowControl` has no effect while the feature gate `{FLOW_CONTROL}` is off",
            variant.key_span_of(*CONFIG, "flowControl"),
            f"set `featureGates: {{{FLOW_CONTROL}: true}}`, or take it out",
        )


def _stages(variant: Variant) -> Iterable[Diagnostic]:
    """A pod that prefills for others is not one for whole requests."""
    config, types = config_of(variant), types_of(variant)
    unknown = any(each not in catalogue_of(variant).plugins for each in types.values())
    for name in named(variant, PREFIX_DECIDER):
        if not config.plugins[name].parameters.get("nonCachedTokens"):
            yield warning(
                "C555",
                f"`{name}` has no request prefilled elsewhere while `nonCachedTokens` is 0",
                variant.key_span_of(*CONFIG, "plugins", name),
                "set `parameters: {nonCachedTokens: 512}`, or use `always-disagg-pd-decider`",
            )
    if not variant.is_disaggregated or unknown or any(t in STAGED for t in types.values()):
        return
    for name, profile in config.scheduling_profiles.items():
        kinds = [types.get(ref, ref) for ref in profile.plugins]
        if not any(each in ROLE_FILTERS or "label" in each for each in kinds):
            yield warning(
                "C555",
                f"the profile `{name}` sends clients' requests to prefill pods too",
                variant.key_span_of(*CONFIG, "schedulingProfiles", name),
                "put `decode-filter` first, or have a profile for each stage",
            )
