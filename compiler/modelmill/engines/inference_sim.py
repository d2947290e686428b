"""The llm-d inference simulator: vLLM's API without a GPU (llm-d/llm-d-inference-sim)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.engines.flags import certificate
from modelmill.groups import ports_of

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "inference-sim"
METRICS_PATH = "/metrics"
# As vLLM names them (docs/metrics.md).
METRICS = {
    "waiting": "vllm:num_requests_waiting",
    "running": "vllm:num_requests_running",
    "kv-cache": "vllm:kv_cache_usage_perc",
    "ttft": "vllm:time_to_first_token_seconds",
    "tpot": "vllm:inter_token_latency_seconds",
    "e2e": "vllm:e2e_request_latency_seconds",
    "requests": "vllm:request_success_total",
    "prompt-tokens": "vllm:prompt_tokens_total",
    "generation-tokens": "vllm:generation_tokens_total",
    "prefix-queries": "vllm:prefix_cache_queries_total",
    "prefix-hits": "vllm:prefix_cache_hits_total",
    "adapters": "vllm:lora_requests_info",
}
LIVENESS_PATH = "/health"
READINESS_PATH = "/ready"
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = False
STREAMS = False
LOAD_BALANCING = ("internal", "hybrid", "external")
ADAPTER_NAME = "{adapter}"
BLOCK_SIZE_FLAG = "block-size"
BLOCK_SIZE = 16
OFFLOADING: dict[str, int] = {}
# Up to v0.11.2 it calls a subscriber at `zmq-endpoint` (pkg/common/publisher.go), where an engine
# waits to be called: a picker that looks for its pods would hear nothing.
HAS_EVENTS = False


def command(launch: Launch) -> list[str]:
    return []


def positional(launch: Launch) -> list[str]:
    return []


def flags(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {
        "model": launch.served_name,
        "served-model-name": launch.served_name,
        "port": launch.port,
    }
    ports = ports_of(launch.role)
    if ports > 1:
        # A rank is a port of its own; where they share one, one simulator answers for all.
        derived["data-parallel-size"] = ports
    if launch.adapters:
        derived["lora-modules"] = [
            {"name": each.name, "path": each.path, "base_model_name": each.base_model}
            for each in launch.adapters
        ]
    return {**derived, **certificate(launch.tls_path)}


def env(launch: Launch) -> dict[str, Any]:
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    return []


def supervisor_port(launch: Launch) -> int | None:
    return None
