"""C567, C575: monitors scrape each pod once, and alerts look at what something measures."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import alerts
from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error, warning
from modelmill.engine_container import port_names
from modelmill.spec.observability import Alert
from modelmill.spec.role import PodMonitor, Role
from modelmill.variant import Variant

READS = (
    "alerts container defaults engine.argv engine.type environment name parallelism pod "
    "pod_monitor routing.scheduler.config routing.scheduler.pod_monitor "
    "routing.scheduler.replicas routing.scheduler.service_monitor routing.service "
    "routing.sidecar type worker"
)
SERVICE_MONITOR = ("routing", "service", "monitor")
SCHEDULER = ("routing", "scheduler")
RULES = ("alerts", "rules")


def check(variant: Variant) -> Iterable[Diagnostic]:
    yield from _picker_twice(variant)
    yield from _service_monitor(variant)
    for key, role in variant.roles.items():
        if role.pod_monitor is not None:
            yield from _pod_monitor(variant, key, role, role.pod_monitor)
    if variant.spec.alerts is not None:
        for name, alert in variant.spec.alerts.rules.items():
            yield from _alert(variant, name, alert)


def _picker_twice(variant: Variant) -> Iterable[Diagnostic]:
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.pod_monitor and scheduler.service_monitor:
        place = variant.key_span_of(*SCHEDULER, "podMonitor")
        yield error(
            "C567",
            "the endpoint picker is scraped twice, so that rates and sums are doubled",
            variant.key_span_of(*SCHEDULER, "serviceMonitor"),
            "unset one of them: `podMonitor: null`",
            [Note("its `podMonitor` is here", place)],
        )


def _service_monitor(variant: Variant) -> Iterable[Diagnostic]:
    service = variant.routing.service
    if service is None or service.monitor is None:
        return
    span = variant.key_span_of(*SERVICE_MONITOR)
    if not service.create:
        message = "`monitor` scrapes the pods behind the model's Service, and there is none"
        yield error("C567", message, span, "take `create: false` out, or use `podMonitor`")
    for key, role in variant.roles.items():
        if variant.role_type(key) == "prefill":
            if role.pod_monitor is None:
                message = f"nothing scrapes the pods of `{key}`, which are behind no Service"
                yield warning("C567", message, span, f"set `podMonitor` of the role `{key}`")
        elif role.pod_monitor and (role.pod_monitor.port in (None, *port_names(role))):
            place = variant.key_span_of("roles", key, "podMonitor")
            yield error(
                "C567",
                f"the pods of `{key}` are scraped twice, so that rates and sums are doubled",
                span,
                "unset one of them: `podMonitor: null`",
                [Note("their `podMonitor` is here", place)],
            )


def _pod_monitor(
    variant: Variant, key: str, role: Role, monitor: PodMonitor
) -> Iterable[Diagnostic]:
    port = monitor.port or port_names(role)[0]
    if port in _scrapable(variant, key, role):
        return
    span = variant.key_span_of("roles", key, "podMonitor")
    if monitor.port is not None:
        span = variant.span_of("roles", key, "podMonitor", "port")
    message = f"the pods of `{key}` have no port `{port}`, so that nothing is scraped"
    hint = f"declare it: `container: {{ports: {{{port}: {{containerPort: …}}}}}}`"
    if not variant.is_bare(key):
        hint = f"leave `port` out for the engine's, `{port_names(role)[0]}`; or {hint}"
    yield warning("C567", message, span, hint)


def _scrapable(variant: Variant, key: str, role: Role) -> set[str]:
    """Names of the ports of a role's pods by which a monitor may go."""
    written = [role.container.ports if role.container else {}]
    if role.pod is not None:
        beside = (*role.pod.containers.values(), *role.pod.init_containers.values())
        written += [each.ports for each in beside]
    if variant.has_sidecar(key) and variant.sidecar.container is not None:
        written.append(variant.sidecar.container.ports)
    named = {str(entry.get("name", name)) for each in written for name, entry in each.items()}
    return named if variant.is_bare(key) else {*named, *port_names(role)}


def _alert(variant: Variant, name: str, alert: Alert) -> Iterable[Diagnostic]:
    span, signal = variant.key_span_of(*RULES, name), alerts.signal_of(name, alert)
    if signal is None and not (alert.expr or "").strip():
        hint = did_you_mean(name, alerts.SIGNALS) or "set `signal`, or an `expr` of your own"
        yield error("C575", f"`{name}` does not say what it looks at", span, hint)
        return
    if signal is not None and alerts.bound_of(name, alert) is None:
        message = f"`{name}` does not say from which value on it fires"
        yield error("C575", message, span, "set `above` or `below`")
    if signal == alerts.PICKER_DOWN and alert.above is not None:
        message = "`picker-down` counts endpoint pickers that answer: more of them are no alarm"
        hint = "set `below`, or leave it out: it fires when none answers"
        yield error("C575", message, variant.span_of(*RULES, name, "above"), hint)
    if not alerts.is_time(alert.window):
        message = "`window` must be longer than nothing"
        yield error("C575", message, variant.span_of(*RULES, name, "window"), "for example 5m")
    if signal is not None:
        yield from _measured(variant, name, alert, signal)


def _measured(variant: Variant, name: str, alert: Alert, signal: str) -> Iterable[Diagnostic]:
    scheduler = variant.scheduler
    if not alerts.sources_of(variant, name, alert):
        reason, hint = _unmeasured(variant, signal)
        span = variant.key_span_of(*RULES, name)
        if alert.signal is not None:
            span = variant.span_of(*RULES, name, "signal")
        unset = f"or unset it in the model: `alerts: {{rules: {{{name}: null}}}}`"
        yield error("C575", f"`{name}` looks at `{signal}`, {reason}", span, f"{hint}, {unset}")
    elif signal == alerts.PICKER_DOWN and not (
        scheduler and (scheduler.pod_monitor or scheduler.service_monitor)
    ):
        message = f"`{name}` always fires: no monitor of this model scrapes its endpoint picker"
        hint = "set `routing.scheduler.podMonitor`, unless a monitor of your own scrapes it"
        yield warning("C575", message, variant.key_span_of(*RULES, name), hint)


def _unmeasured(variant: Variant, signal: str) -> tuple[str, str]:
    """Why nothing measures a signal, and a way out."""
    if signal not in alerts.OF_PICKERS:
        return "which no engine of the model is known to measure", "write an `expr` of your own"
    if variant.scheduler is None:
        return "which an endpoint picker measures, and there is none", "extend a routing profile"
    gate = "`routing.scheduler.config: {featureGates: {flowControl: true}}`"
    return "which the endpoint picker measures with flow control only", f"set {gate}"
