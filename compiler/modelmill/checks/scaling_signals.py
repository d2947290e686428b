"""C559: what a role is scaled by is measured, and there when it must be.

Sources: llm-d/llm-d-router for the picker's queues (pkg/epp/flowcontrol) and for the saturation of
a pool without pods (plugins/flowcontrol/saturationdetector).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from modelmill.autoscaling import RESOURCE_TRIGGERS, signal_of
from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.picker_parameters import FLOW_CONTROL, is_gated, startup_seconds
from modelmill.promql import LATENCIES, PICKERS, QUEUES, milliseconds, query
from modelmill.spec.autoscaling import SIGNALS, Autoscaling, Trigger
from modelmill.variant import Variant

CODE = "C559"
GATE = "`routing.scheduler.config: {featureGates: {flowControl: true}}`"
QUEUE, SATURATION = "queue-size", "pool-saturation"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        scaling = role.autoscaling
        if scaling is not None and scaling.by in ("hpa", "keda"):
            for name, trigger in scaling.triggers.items():
                yield from _measured(variant, key, name, trigger)
            if scaling.by == "keda" and scaling.idle_replicas == 0:
                yield from _wakes(variant, key, scaling)
                yield from _waits(variant, key)


def _measured(variant: Variant, key: str, name: str, trigger: Trigger) -> Iterator[Diagnostic]:
    span = variant.key_span_of("roles", key, "autoscaling", "triggers", name)
    signal = signal_of(name, trigger)
    if signal is None:
        if trigger.query is None:
            hint = did_you_mean(name, SIGNALS) or "set its `signal`: " + ", ".join(SIGNALS)
            yield error(CODE, f"the trigger `{name}` does not say what it looks at", span, hint)
    elif signal in PICKERS and variant.scheduler is None:
        message = f"`{signal}` is measured by the endpoint picker, and there is none"
        hint = "extend a routing profile, or scale by what engines measure: engine-running"
        yield error(CODE, message, span, hint)
    elif signal in QUEUES and not is_gated(variant, FLOW_CONTROL):
        message = f"`{signal}` is of the endpoint picker's queues, which are off"
        yield error(CODE, message, span, f"set {GATE}, or extend a preset that does")
    elif query(variant, key, signal) is None:
        engine = variant.roles[key].engine
        message = f"nothing is known of how {engine.type if engine else 'it'} measures `{signal}`"
        yield error(CODE, message, span, "write the PromQL as its `query`")
    elif signal in LATENCIES:
        yield from _sampled(variant, key, signal)


def _sampled(variant: Variant, key: str, signal: str) -> Iterator[Diagnostic]:
    """A rate is of two samples or more."""
    scaling, scheduler = variant.roles[key].autoscaling, variant.scheduler
    monitor = scheduler.pod_monitor if scheduler is not None else variant.roles[key].pod_monitor
    apart = milliseconds(monitor.interval) if monitor is not None else 1
    if scaling is not None and milliseconds(scaling.window) < 2 * apart:
        message = f"in {scaling.window} there are no two samples that `{signal}` could be of"
        span = variant.span_of("roles", key, "autoscaling", "window")
        yield error(CODE, message, span, "raise `window`: 5m is usual")


def _wakes(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    """Something must be seen while the role has no pod, and requests must wait for one."""
    place = ("roles", key, "autoscaling")
    signals = {name: signal_of(name, trigger) for name, trigger in scaling.triggers.items()}
    known = set(signals.values()) <= set(SIGNALS)
    further = scaling.further_triggers.values()
    silent = all(each.get("type") in RESOURCE_TRIGGERS for each in further)
    if known and silent and QUEUE not in signals.values() and (signals or further):
        message = f"nothing wakes `{key}`: without a pod none of its signals moves"
        hint = f"add the trigger `{QUEUE}: {{target: 1}}`: requests wait in the endpoint picker"
        yield error(CODE, message, variant.key_span_of(*place, "idleReplicas"), hint)
    for name, signal in signals.items():
        activation = Decimal(scaling.triggers[name].activation or 0)
        if signal == SATURATION and activation < 1:
            message = f"`{key}` would never be idle: a pool without a pod counts as saturated"
            span = variant.key_span_of(*place, "triggers", name)
            yield error(CODE, message, span, "set its `activation: 1`, or take it out")


def _waits(variant: Variant, key: str) -> Iterator[Diagnostic]:
    """A timeout of 0 is none, as in the Gateway API."""
    limit, takes = variant.route.timeout, startup_seconds(variant.roles[key])
    if variant.gateway is not None and limit and 0 < milliseconds(limit) < takes * 1000:
        message = f"`{key}` may take {takes}s to start, and the request that wakes it waits {limit}"
        span = variant.span_of("routing", "route", "timeout")
        yield warning(CODE, message, span, f"raise `routing.route.timeout`: {takes + 300}s")
