"""Which of KServe's own presets a service takes in, and in what order.

In: the specification by which KServe decides. Out: names of LLMInferenceServiceConfigs without
their prefix, lowest first (pkg/controller/v1alpha2/llmisvc/config_presets.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PREDICTOR_PLUGIN = "predicted-latency-producer"
TOKENIZER_PLUGINS = ("token-producer", "precise-prefix-cache-scorer")


def active(spec: Mapping[str, Any]) -> list[str]:
    """config-llm-… presets of a specification."""
    return [f"config-llm-{name}" for name in _names(spec)]


def _names(spec: Mapping[str, Any]) -> Iterator[str]:
    router = spec.get("router") or {}
    scheduler = router.get("scheduler")
    if scheduler is not None and not (scheduler.get("pool") or {}).get("ref"):
        yield "scheduler"
        if wants_tokenizer(scheduler):
            yield "tokenizer"
        if _mentions(scheduler, (PREDICTOR_PLUGIN,)):
            yield "scheduler-latency-predictor"
    route = router.get("route")
    if route is not None and not (route.get("http") or {}).get("refs"):
        yield "router-route"
    if spec.get("tracing") is not None:
        yield "tracing"
    prefill = spec.get("prefill")
    if prefill is not None:
        yield from _workload(prefill, "prefill-")
        yield from _workload(spec, "decode-")
    else:
        yield from _workload(spec, "")


def wants_tokenizer(scheduler: Mapping[str, Any]) -> bool:
    """Whether a tokenizer is run beside the picker."""
    return scheduler.get("tokenizer") is not None or _mentions(scheduler, TOKENIZER_PLUGINS)


def _workload(workload: Mapping[str, Any], part: str) -> Iterator[str]:
    sizes = workload.get("parallelism") or {}
    if workload.get("worker") is None:
        yield f"{part}template"
    elif sizes.get("data") or sizes.get("dataLocal"):
        yield f"{part}worker-data-parallel"
    elif sizes.get("pipeline"):
        yield f"{part}worker-pipeline-parallel"


def _mentions(scheduler: Mapping[str, Any], plugins: tuple[str, ...]) -> bool:
    """Whether a plugin is in the picker's configuration, inline or in its arguments."""
    inline = (scheduler.get("config") or {}).get("inline") or {}
    written = inline.get("plugins")
    entries = written if isinstance(written, list) else []
    types = [each.get("type") for each in entries if isinstance(each, Mapping)]
    template = scheduler.get("template") or {}
    words = [
        str(word)
        for container in template.get("containers") or []
        for key in ("command", "args")
        for word in container.get(key) or []
    ]
    return any(each in types or any(each in word for word in words) for each in plugins)
