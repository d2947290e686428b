"""What the dashboard of a model shows.

In: a variant. Out: rows of panels with their PromQL, each only where something measures it: the
endpoint picker, its flow control, the engine of a role, or Kubernetes. How Grafana wants them is
`dashboards`'.

Pods: kube-state-metrics, and cAdvisor for their memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.picker_parameters import FLOW_CONTROL, is_gated
from modelmill.promql import metric_of, picker_pods, pods, selector
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

RATE = "sum(rate({}[5m]))"
RATIO = "sum(rate({}[5m])) / (sum(rate({}[5m])) > 0)"
QUANTILE = "histogram_quantile({}, sum by (le) (rate({{}}[5m])))"
"""Over five minutes, as alerts are unless they say otherwise: their numbers are seen here."""
QUANTILES = {"p50": "0.5", "p90": "0.9", "p99": "0.99"}
P90 = QUANTILE.format("0.9")
BY_POD = "{{pod}}"
PICKER = "endpoint picker"
READY = "sum(kube_pod_status_ready{})"
RESTARTS = "sum by (pod, container) (increase(kube_pod_container_status_restarts_total{}[1h]))"
MEMORY = "sum by (pod) (container_memory_working_set_bytes{})"
# cAdvisor has the sum of a pod too, without a container's name.
ANY_CONTAINER = "~.+"


class Query(NamedTuple):
    """PromQL, and the legend of its series; None for all of their labels."""

    expr: str
    legend: str | None


class Panel(NamedTuple):
    """Series over time in a unit of Grafana's, or a table of what is now."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    is_table: bool = False


class Row(NamedTuple):
    """Panels under one heading; without a query a panel is not shown, nor an empty row."""

    title: str
    panels: tuple[Panel, ...]


def rows_of(variant: Variant) -> tuple[Row, ...]:
    """Every row, those that show nothing too: its number stays what it is."""
    has_picker = variant.scheduler is not None
    return (
        Row("Requests", _requests(variant) if has_picker else _finished(variant)),
        Row("Latency", _latency(variant) if has_picker else _latency_of_engines(variant)),
        Row("Flow control", _queues(variant) if is_gated(variant, FLOW_CONTROL) else ()),
        Row("Engines", _engines(variant)),
        Row("Prefill and decode", _stages(variant) if variant.is_disaggregated else ()),
        Row("LoRA adapters", _adapters(variant) if variant.spec.model.adapters else ()),
        Row("Pods", _pods(variant)),
        Row("Further", _further(variant)),
    )


def _requests(variant: Variant) -> tuple[Panel, ...]:
    total = _picker(variant, "request_total")
    errors = _picker(variant, "request_error_total")
    running = _picker(variant, "request_running")
    failed = f"sum by (error_code) (rate({errors}[5m]))"
    return (
        Panel("Requests", (Query(RATE.format(total), "requests"),), "reqps"),
        Panel("Errors", (Query(failed, "{{error_code}}"),), "reqps"),
        Panel("Failed requests", (Query(RATIO.format(errors, total), "failed"),), "percentunit"),
        Panel("Running requests", (Query(f"sum({running})", "running"),)),
    )


def _finished(variant: Variant) -> tuple[Panel, ...]:
    """Without a picker, what engines know of requests."""
    return (Panel("Finished requests", _of_roles(variant, RATE, "requests"), "reqps"),)


def _latency(variant: Variant) -> tuple[Panel, ...]:
    shown = {
        "Time to first token": "request_ttft_seconds",
        "Time per output token": "request_streaming_tpot_seconds",
        "Request duration": "request_duration_seconds",
    }
    return tuple(
        Panel(title, _quantiles(_picker(variant, f"{metric}_bucket")), "s")
        for title, metric in shown.items()
    )


def _latency_of_engines(variant: Variant) -> tuple[Panel, ...]:
    shown = {
        "Time to first token": "ttft",
        "Time per output token": "tpot",
        "Request duration": "e2e",
    }
    return tuple(
        Panel(title, tuple(_quantiles_of_roles(variant, what)), "s")
        for title, what in shown.items()
    )


def _queues(variant: Variant) -> tuple[Panel, ...]:
    size = _picker(variant, "flow_control_queue_size")
    saturation = _picker(variant, "flow_control_pool_saturation")
    waited = "flow_control_request_queue_duration_seconds"
    outcomes = f"sum by (outcome) (rate({_picker(variant, f'{waited}_count')}[5m]))"
    return (
        Panel("Queue", (Query(f"sum by (priority) ({size})", "priority {{priority}}"),)),
        Panel("Time in the queue", _quantiles(_picker(variant, f"{waited}_bucket")), "s"),
        Panel("Outcomes of queueing", (Query(outcomes, "{{outcome}}"),), "reqps"),
        Panel(
            "Saturation",
            (Query(f"max by (stage) ({saturation})", "saturation {{stage}}"),),
            "percentunit",
        ),
    )


def _engines(variant: Variant) -> tuple[Panel, ...]:
    prompt = _of_roles(variant, RATE, "prompt-tokens", legend="prompt, {}")
    generated = _of_roles(variant, RATE, "generation-tokens", legend="generated, {}")
    preempted = "sum by (pod) (increase({}[5m]))"
    hits = _of_roles(variant, RATIO, "prefix-hits", "prefix-queries")
    return (
        Panel("Waiting requests", _of_pods(variant, "sum by (pod) ({})", "waiting")),
        Panel("Running requests", _of_pods(variant, "sum by (pod) ({})", "running")),
        Panel("KV cache usage", _of_pods(variant, "max by (pod) ({})", "kv-cache"), "percentunit"),
        Panel("Tokens per second", (*prompt, *generated)),
        Panel("Prefix cache hit ratio", hits, "percentunit"),
        Panel("Preemptions in 5 minutes", _of_pods(variant, preempted, "preemptions")),
    )


def _stages(variant: Variant) -> tuple[Panel, ...]:
    decisions = f"sum by (decision_type) (rate({_picker(variant, 'disagg_decision_total')}[5m]))"
    decided = (Query(decisions, "{{decision_type}}"),) if variant.scheduler is not None else ()
    return (
        Panel("Decisions", decided, "reqps"),
        Panel("Waiting requests by role", _of_roles(variant, "sum({})", "waiting")),
        Panel("KV cache usage by role", _of_roles(variant, "avg({})", "kv-cache"), "percentunit"),
        Panel("Time to first token (p90)", _of_histograms(variant, "ttft"), "s"),
        Panel("Time per output token (p90)", _of_histograms(variant, "tpot"), "s"),
    )


def _adapters(variant: Variant) -> tuple[Panel, ...]:
    """A picker knows requests by the name they ask for. Of the series that name an engine's
    adapters the one of now has the greatest value: its time."""
    total = _picker(variant, "request_total")
    asked = (Query(f"sum by (model_name) (rate({total}[5m]))", "{{model_name}}"),)
    loaded = _of_pods(variant, "topk by (pod) (1, {})", "adapters")
    return (
        Panel("Requests by model name", asked if variant.scheduler is not None else (), "reqps"),
        Panel("Adapters in use", loaded, is_table=True),
    )


def _pods(variant: Variant) -> tuple[Panel, ...]:
    parts = {key: pods(variant, key) for key in variant.roles}
    if variant.scheduler is not None:
        parts[PICKER] = picker_pods(variant)
    ready = {key: selector({**each, "condition": "true"}) for key, each in parts.items()}
    memory = [selector({**each, "container": ANY_CONTAINER}) for each in parts.values()]
    again = [selector(each) for each in parts.values()]
    return (
        Panel("Ready pods", tuple(Query(READY.format(s), key) for key, s in ready.items())),
        Panel(
            "Restarts in an hour",
            tuple(Query(RESTARTS.format(s), "{{pod}} {{container}}") for s in again),
        ),
        Panel("Memory", tuple(Query(MEMORY.format(s), BY_POD) for s in memory), "bytes"),
    )


def _further(variant: Variant) -> tuple[Panel, ...]:
    own = variant.spec.dashboard.panels if variant.spec.dashboard else {}
    return tuple(
        Panel(panel.title, (Query(panel.expr, panel.legend),), panel.unit)
        for _, panel in sorted(own.items())
    )


def _picker(variant: Variant, metric: str) -> str:
    return f"llm_d_epp_{metric}{selector(picker_pods(variant))}"


def _quantiles(series: str, legend: str = "{}") -> tuple[Query, ...]:
    return tuple(
        Query(QUANTILE.format(quantile).format(series), legend.format(name))
        for name, quantile in QUANTILES.items()
    )


def _quantiles_of_roles(variant: Variant, what: str) -> Iterator[Query]:
    for key, series in _series(variant, what, suffix="_bucket"):
        yield from _quantiles(series[0], f"{{}} {key}")


def _of_roles(
    variant: Variant, template: str, *whats: str, legend: str = "{}"
) -> tuple[Query, ...]:
    """A query a role, of the metrics of its engine; none where the engine has not got them all."""
    return tuple(
        Query(template.format(*series), legend.format(key))
        for key, series in _series(variant, *whats)
    )


def _of_pods(variant: Variant, template: str, what: str) -> tuple[Query, ...]:
    return tuple(Query(template.format(*series), BY_POD) for _, series in _series(variant, what))


def _of_histograms(variant: Variant, what: str) -> tuple[Query, ...]:
    return tuple(
        Query(P90.format(*series), key) for key, series in _series(variant, what, suffix="_bucket")
    )


def _series(
    variant: Variant, *whats: str, suffix: str = ""
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each role with the series of its pods."""
    for key in variant.roles:
        metrics = [metric_of(variant, key, what) for what in whats]
        labels = selector(pods(variant, key))
        if all(metrics):
            yield key, tuple(f"{metric}{suffix}{labels}" for metric in metrics)
