"""What is asked of Prometheus about a model, its environment and its roles.

In: a variant, a role's key and a signal. Out: PromQL that looks at this model's pods in this
namespace and at no other: a Prometheus may be shared. None where nothing measures the signal.

Metrics of the endpoint picker: llm-d/llm-d-router, pkg/epp/metrics (prefix llm_d_epp_). Pods are
told by name, which scrapes by PodMonitor and by ServiceMonitor both have. A picker is one model's:
its series need no label of the served name, which would leave out requests for adapters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from modelmill.engines import ENGINES
from modelmill.groups import group_of
from modelmill.variant import Variant

RATIOS = ("pool-saturation", "kv-cache-usage", "ttft-p90", "tpot-p90")
"""Signals that are no number of requests."""
QUEUES = ("queue-size", "pool-saturation")
"""Signals that only a picker with flow control has."""
PICKERS = ("queue-size", "running-requests", "pool-saturation")
"""Signals that are there while the model has no pod: the picker's own."""
COUNTS = {"engine-waiting": "waiting", "engine-running": "running", "kv-cache-usage": "kv-cache"}
LATENCIES = {"ttft-p90": "ttft", "tpot-p90": "tpot"}
PICKER_LATENCIES = {
    "ttft-p90": "llm_d_epp_request_ttft_seconds",
    "tpot-p90": "llm_d_epp_request_streaming_tpot_seconds",
}
STAGES = ("prefill", "decode")
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
# Of k8s.io/apiserver/pkg/storage/names: longer names of pods are cut before their random part.
LONGEST_STEM = 58


def query(
    variant: Variant,
    key: str,
    signal: str,
    *,
    window: str = "5m",
    over: Literal["sum", "avg"] = "sum",
) -> str | None:
    """PromQL of one value. `over`: how pods' values of counts and of KV cache usage become one; a
    sum of usage is in whole replicas. Seconds for latencies, parts of 1 for usage and saturation,
    requests for the others."""
    if signal in LATENCIES:
        return _latency(variant, key, signal, window)
    if signal in COUNTS:
        return _of_engines(variant, key, signal, over)
    if variant.scheduler is None:
        return None
    picker = picker_pods(variant)
    if signal == "queue-size":
        return f"sum(llm_d_epp_flow_control_queue_size{selector(picker)})"
    if signal == "running-requests":
        return f"sum(llm_d_epp_request_running{selector(picker)})"
    if signal == "pool-saturation":
        named = {
            **picker,
            "inference_pool": variant.pool_name(variant.name),
            **_stage(variant, key),
        }
        return f"max(llm_d_epp_flow_control_pool_saturation{selector(named)})"
    raise ValueError(signal)


def query_or_zero(variant: Variant, key: str, signal: str, *, window: str = "5m") -> str | None:
    """As `query`, but 0 where nothing happened yet and what measures it is scraped: the picker
    makes most series with the first request, and a percentile of no requests is no number. Where it
    is not scraped the answer stays empty, which a scaler must not take for idleness."""
    asked = query(variant, key, signal, window=window)
    if asked is None or signal in COUNTS:
        return asked
    sees = signal in PICKERS or variant.scheduler is not None
    up = selector(picker_pods(variant) if sees else pods(variant, key))
    number = f"{asked} >= 0" if signal in LATENCIES else asked
    return f"{number} or 0 * sum(up{up} == 1)"


def _of_engines(variant: Variant, key: str, signal: str, over: str) -> str | None:
    """What each engine says of itself; a replica says it once a data parallel rank."""
    metric = metric_of(variant, key, COUNTS[signal])
    if metric is None:
        return None
    ranks = group_of(variant.roles[key]).data
    each = f" / {ranks}" if signal == "kv-cache-usage" and over == "sum" and ranks > 1 else ""
    return f"{over}({metric}{selector(pods(variant, key))}){each}"


def _latency(variant: Variant, key: str, signal: str, window: str) -> str | None:
    """The picker sees all of a request; without one, what the role's engines see."""
    if variant.scheduler is not None:
        metric: str | None = PICKER_LATENCIES[signal]
        labels = picker_pods(variant)
    else:
        metric, labels = metric_of(variant, key, LATENCIES[signal]), pods(variant, key)
    if metric is None:
        return None
    rate = f"rate({metric}_bucket{selector(labels)}[{time_range(window)}])"
    return f"histogram_quantile(0.9, sum by (le) ({rate}))"


def _stage(variant: Variant, key: str) -> dict[str, str]:
    """Newer pickers tell the saturation of prefill and of decode apart; others have no stages."""
    if not variant.is_disaggregated:
        return {}
    kind = variant.role_type(key)
    return {"stage": f"~|{kind if kind in STAGES else 'effective'}"}


def metric_of(variant: Variant, key: str, what: str) -> str | None:
    """What the role's engine calls a metric; None where nothing is known of it."""
    engine = variant.roles[key].engine
    return ENGINES[engine.type].METRICS.get(what) if engine is not None else None


def pods(variant: Variant, key: str) -> dict[str, str]:
    """Labels of the series of a role's pods. A Deployment's pod is named by its ReplicaSet and by
    itself, a group's by their numbers."""
    name = variant.workload_name(key)
    grouped = variant.roles[key].worker is not None
    own = f"{_literal(name)}-[0-9]+(-[0-9]+)?" if grouped else _pods_of(name)
    return {**_namespace(variant), "pod": f"~{own}"}


def picker_pods(variant: Variant) -> dict[str, str]:
    """Labels of the series of the picker's pods."""
    return {**_namespace(variant), "pod": f"~{_pods_of(variant.picker_name)}"}


def _pods_of(workload: str) -> str:
    stem = f"{workload}-"
    if len(stem) >= LONGEST_STEM:
        return f"{_literal(stem[:LONGEST_STEM])}[a-z0-9]{{5}}"
    return f"{_literal(stem)}[a-z0-9]+(-[a-z0-9]+)?"


def _literal(name: str) -> str:
    return name.replace(".", r"\.")


def _namespace(variant: Variant) -> dict[str, str]:
    return {"namespace": variant.namespace} if variant.namespace is not None else {}


@lru_cache(maxsize=256)
def time_range(duration: str) -> str:
    """A duration of the Gateway API as Prometheus reads it, which wants units in order, each once;
    none is shorter than a millisecond."""
    total = max(milliseconds(duration), 1)
    unit = next(unit for unit in ("h", "m", "s", "ms") if total % MILLISECONDS[unit] == 0)
    return f"{total // MILLISECONDS[unit]}{unit}"


def milliseconds(duration: str) -> int:
    """The length of a duration of the Gateway API."""
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", duration)
    return sum(int(number) * MILLISECONDS[unit] for number, unit in parts)


def selector(labels: Mapping[str, str]) -> str:
    """`{name="value"}`; a value that begins with `~` is a regular expression."""
    words = []
    for name, value in sorted(labels.items()):
        operator, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
        words.append(f"{name}{operator}{quoted(text)}")
    return "{" + ",".join(words) + "}"


def quoted(text: str) -> str:
    """A string of PromQL, which escapes as Go does."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
