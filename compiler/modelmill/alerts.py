"""Alerts of a model: what each asks of Prometheus, and what it says to people.

In: a variant. Out: rules of a PrometheusRule, one for each role where a signal is of a role's pods;
none for an alert that nothing can measure, which `checks.observability` refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, get_args

from modelmill.containers import Manifest, given
from modelmill.picker_parameters import FLOW_CONTROL, is_gated
from modelmill.promql import (
    LATENCIES,
    PICKERS,
    QUEUES,
    RATIOS,
    picker_pods,
    pods,
    query,
    selector,
    time_range,
)
from modelmill.sharing import shared
from modelmill.spec.observability import Alert, AlertSignal
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

SIGNALS: tuple[str, ...] = get_args(AlertSignal)
PICKER = "epp"
ERRORS, PICKER_DOWN, NOT_READY = "error-ratio", "picker-down", "pods-not-ready"
OF_PICKERS = (*PICKERS, ERRORS, PICKER_DOWN)
"""Signals that only an endpoint picker measures."""
OF_PODS = (NOT_READY, "restarts")
"""Signals that kube-state-metrics measures, of roles and of the picker."""

PERCENTAGE, DURATION, NUMBER = "humanizePercentage", "humanizeDuration", "humanize"
PHRASES = {
    "queue-size": ("{many} requests wait for a pod", NUMBER),
    "running-requests": ("{many} requests run", NUMBER),
    "pool-saturation": ("saturation of the pool is {bound}", PERCENTAGE),
    "engine-waiting": ("{many} requests wait in engines", NUMBER),
    "engine-running": ("{many} requests run in engines", NUMBER),
    "kv-cache-usage": ("KV cache usage is {bound}", PERCENTAGE),
    "ttft-p90": ("time to first token (p90) is {bound}", DURATION),
    "tpot-p90": ("time per output token (p90) is {bound}", DURATION),
    ERRORS: ("{many} of requests fail", PERCENTAGE),
    NOT_READY: ("{many} pods are not ready", NUMBER),
    "restarts": ("{many} restarts of containers in {window}", NUMBER),
    PICKER_DOWN: ("{many} endpoint pickers answer", NUMBER),
}
"""What a signal past its bound is to people, and the function of Prometheus' templates that prints
its value."""
MANY = {(">", "0"): "some", ("<", "1"): "no"}


class Source(NamedTuple):
    """PromQL of one value, and the role whose pods it is of; None for all of the model."""

    role: str | None
    expr: str


def signal_of(name: str, alert: Alert) -> str | None:
    """What the alert looks at: what it says, or what its name is."""
    if alert.signal is not None or alert.expr is not None:
        return alert.signal
    return name if name in SIGNALS else None


def bound_of(name: str, alert: Alert) -> tuple[str, str] | None:
    """Comparison and value. The picker is down when none answers, unless more should."""
    if alert.above is not None:
        return ">", alert.above
    if alert.below is not None:
        return "<", alert.below
    return ("<", "1") if signal_of(name, alert) == PICKER_DOWN else None


@shared()
def sources_of(variant: Variant, name: str, alert: Alert) -> tuple[Source, ...]:
    """What is asked, of each role where it is of one's pods; () where nothing measures it."""
    if alert.expr is not None:
        return (Source(None, alert.expr),)
    signal = signal_of(name, alert)
    if signal is None or (signal in QUEUES and not is_gated(variant, FLOW_CONTROL)):
        return ()
    if signal in OF_PODS:
        parts = _watched_pods(variant, signal)
        return tuple(Source(key, _of_pods(each, signal, alert)) for key, each in parts.items())
    if signal in (ERRORS, PICKER_DOWN):
        return (Source(None, _of_picker(variant, signal, alert)),) if variant.scheduler else ()
    return _of_requests(variant, signal, alert)


def _of_requests(variant: Variant, signal: str, alert: Alert) -> tuple[Source, ...]:
    """Signals that scalers look at too. What a picker says of all roles alike is of none."""
    over: Literal["sum", "avg"] = "avg" if signal in RATIOS else "sum"
    found = [
        Source(key, expr)
        for key in variant.roles
        if (expr := query(variant, key, signal, window=alert.window, over=over)) is not None
    ]
    is_pickers = signal in PICKERS or (signal in LATENCIES and variant.scheduler is not None)
    if is_pickers and all(each.expr == found[0].expr for each in found):
        return tuple(Source(None, each.expr) for each in found[:1])
    return tuple(found)


def _watched_pods(variant: Variant, signal: str) -> dict[str, dict[str, str]]:
    """Pods by role. Of several pickers only the one that leads is ready (llm-d/llm-d-router)."""
    parts = {key: pods(variant, key) for key in variant.roles}
    scheduler = variant.scheduler
    if scheduler is not None and (signal != NOT_READY or scheduler.replicas == 1):
        parts[PICKER] = picker_pods(variant)
    return parts


def _of_pods(labels: Mapping[str, str], signal: str, alert: Alert) -> str:
    if signal == NOT_READY:
        unready = selector({**labels, "condition": "~false|unknown"})
        return f"sum(kube_pod_status_ready{unready})"
    restarts = f"kube_pod_container_status_restarts_total{selector(labels)}"
    return f"sum(increase({restarts}[{time_range(alert.window)}]))"


def _of_picker(variant: Variant, signal: str, alert: Alert) -> str:
    """A Prometheus has no series of targets that are gone: they are none that answer. No requests
    are no failure."""
    labels = picker_pods(variant)
    if signal == PICKER_DOWN:
        return f"(sum(up{selector(labels)}) or vector(0))"
    seen = f"{selector(labels)}[{time_range(alert.window)}]"
    errors, total = f"llm_d_epp_request_error_total{seen}", f"llm_d_epp_request_total{seen}"
    return f"sum(rate({errors})) / (sum(rate({total})) > 0)"


def rules_of(variant: Variant) -> Iterator[Manifest]:
    """Rules in order of their names, then of roles."""
    for name, alert in sorted(variant.spec.alerts.rules.items()) if variant.spec.alerts else ():
        for source in sources_of(variant, name, alert):
            yield _rule(variant, name, alert, source)


def _rule(variant: Variant, name: str, alert: Alert, source: Source) -> Manifest:
    fixed, expr = _fixed(name, alert), source.expr
    if fixed.bound:
        # What people wrote may hold an operator that binds less.
        expr = f"{expr if alert.expr is None else f'({expr})'} {fixed.bound}"
    return {
        "alert": fixed.title,
        "expr": expr,
        "for": fixed.lasting,
        "labels": _labels(variant, alert, source.role),
        "annotations": given(
            summary=alert.summary or f"{_subject(variant, source.role)}: {fixed.condition}",
            description=fixed.description,
            runbook_url=alert.runbook_url,
        ),
    }


class Fixed(NamedTuple):
    """Texts of an alert's rules that are the same for every model."""

    title: str
    bound: str
    lasting: str
    condition: str
    description: str


@lru_cache(maxsize=256)  # models have most alerts of the same presets
def _fixed(name: str, alert: Alert) -> Fixed:
    _, printed = PHRASES.get(signal_of(name, alert) or "", ("", NUMBER))
    lasting = _prometheus(alert.duration)
    told = f" It has been so for {lasting}." if is_time(alert.duration) else ""
    return Fixed(
        "".join(word.capitalize() for word in name.split("-")),
        " ".join(bound_of(name, alert) or ()),
        lasting,
        _condition(name, alert),
        f"The value is {{{{ $value | {printed} }}}}.{told}",
    )


def _labels(variant: Variant, alert: Alert, role: str | None) -> dict[str, str]:
    """Labels by which people route alerts. An AlertmanagerConfig takes those of its namespace, so
    it is said: sums have lost it."""
    own = variant.model.record.metadata.labels
    derived = given(
        model=variant.name, namespace=variant.namespace, role=role, severity=alert.severity
    )
    # What Kubernetes takes for a label and Prometheus does not, as `acme.com/team`, is left out.
    team = {label: value for label, value in own.items() if label.isidentifier()}
    return dict(sorted({**team, **derived, **alert.labels}.items()))


def _subject(variant: Variant, role: str | None) -> str:
    part = {None: "", PICKER: " endpoint picker"}.get(role, f" {role}")
    place = f" in {variant.environment}" if variant.environment else ""
    return f"{variant.name}{part}{place}"


def _condition(name: str, alert: Alert) -> str:
    signal, bound = signal_of(name, alert), bound_of(name, alert)
    if signal is None or bound is None:
        return name.replace("-", " ")
    phrase, printed = PHRASES[signal]
    is_above, value = bound[0] == ">", _said(bound[1], printed)
    return phrase.format(
        many=MANY.get(bound, f"{'more' if is_above else 'fewer'} than {value}"),
        bound=f"{'above' if is_above else 'below'} {value}",
        window=_prometheus(alert.window),
    )


def _said(bound: str, printed: str) -> str:
    """A bound as people read it: 0.05 is 5%, where the signal is a part of 1."""
    if printed == PERCENTAGE:
        sign = "-" * bound.startswith("-")
        whole, _, part = bound.removeprefix("-").partition(".")
        digits, rest = whole + part[:2].ljust(2, "0"), part[2:].rstrip("0")
        return f"{sign}{digits.lstrip('0') or '0'}{rest and '.'}{rest}%"
    return f"{bound} s" if printed == DURATION else bound


def _prometheus(duration: str) -> str:
    """A duration that may be none: an alert that fires at once."""
    return time_range(duration) if is_time(duration) else "0s"


def is_time(duration: str) -> bool:
    """Whether a duration is longer than nothing."""
    return bool(duration.strip("0hms"))
