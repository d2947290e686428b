"""SGLang: `python3 -m sglang.launch_server --flag=…` (sgl-project/sglang, server_args.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.engines.flags import LEADER_ADDRESS, POD_ADDRESS, WORKER_INDEX, reloaded
from modelmill.quantities import amount

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "sglang"
METRICS_PATH = "/metrics"
# sglang/srt/observability/metrics_collector.py.
METRICS = {
    "waiting": "sglang:num_queue_reqs",
    "running": "sglang:num_running_reqs",
    "kv-cache": "sglang:token_usage",
    "ttft": "sglang:time_to_first_token_seconds",
    "tpot": "sglang:inter_token_latency_seconds",
    "e2e": "sglang:e2e_request_latency_seconds",
    "requests": "sglang:num_requests_total",
    "prompt-tokens": "sglang:prompt_tokens_total",
    "generation-tokens": "sglang:generation_tokens_total",
    "prefix-queries": "sglang:prompt_tokens_total",
    "prefix-hits": "sglang:cached_tokens_total",
    "preemptions": "sglang:num_retracted_requests_total",
}
LIVENESS_PATH = "/health"
READINESS_PATH = "/v1/models"
SIDECAR_CONNECTORS = {"nixl": "sglang", "mooncake": "sglang"}
NEEDS_WEIGHTS = True
STREAMS = False
LOAD_BALANCING = ("internal",)
# sglang/srt/entrypoints/openai/serving_base.py, _parse_model_parameter.
ADAPTER_NAME = "{model}:{adapter}"
BLOCK_SIZE_FLAG = "page-size"
BLOCK_SIZE = 1
# The hierarchical cache: CPU memory, and a folder behind it.
OFFLOADING = {"native": 1}
GIGABYTE = 10**9
HAS_EVENTS = True
# Where decode asks a prefill server for its peers: --disaggregation-bootstrap-port.
BOOTSTRAP_PORT = 8998


def command(launch: Launch) -> list[str]:
    return ["python3", "-m", "sglang.launch_server"]


def positional(launch: Launch) -> list[str]:
    return []


def flags(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {
        "model-path": launch.weights.argument,
        "served-model-name": launch.served_name,
        "host": "0.0.0.0",
        "port": launch.port,
        "enable-metrics": True,
    }
    if launch.revision and launch.weights.hub_name:
        derived["revision"] = launch.revision
    derived.update(_parallel(launch))
    if launch.tracing is not None:
        derived["enable-trace"] = True
        # HOST:PORT, without a scheme.
        _, _, derived["otlp-traces-endpoint"] = launch.tracing.endpoint.rpartition("://")
    if launch.adapters:
        derived["enable-lora"] = True
        # The JSON form (sglang/srt/server_args.py): a name may hold `=`.
        derived["lora-paths"] = [
            {"lora_name": each.name, "lora_path": each.path, "pinned": each.pinned}
            for each in launch.adapters
        ]
    transfer = launch.role.kv_transfer
    if transfer is not None and launch.role_type in ("prefill", "decode"):
        derived["disaggregation-mode"] = launch.role_type
        derived["disaggregation-transfer-backend"] = transfer.connector
    return {**derived, **_hierarchical(launch), **_events(launch), **reloaded(launch.tls_path)}


def _hierarchical(launch: Launch) -> dict[str, Any]:
    """The cache behind the accelerator's. Each rank has a part of its own, in whole gigabytes
    (sglang/srt/mem_cache/memory_pool_host.py)."""
    kept = launch.kv_cache.offloading
    if kept is None:
        return {}
    found: dict[str, Any] = {"enable-hierarchical-cache": True}
    if kept.cpu is not None:
        found["hicache-size"] = amount(kept.cpu) // (GIGABYTE * launch.group.accelerators)
    if launch.kv_cache.tiers:
        found["hicache-storage-backend"] = "file"
    if kept.config:
        found["hicache-storage-backend-extra-config"] = kept.config
    return found


def _events(launch: Launch) -> dict[str, Any]:
    """sglang/srt/disaggregation/kv_events.py, KVEventsConfig."""
    heard = launch.kv_cache.events
    if heard is None:
        return {}
    config = {
        "publisher": "zmq",
        "endpoint": f"tcp://*:{heard.port}",
        "replay_endpoint": f"tcp://*:{heard.replay_port}",
        "topic": f"{heard.topic}$(POD_IP):{launch.kv_cache.port}@{launch.served_name}",
        **heard.config,
    }
    return {"kv-events-config": config}


def _parallel(launch: Launch) -> dict[str, Any]:
    """Sizes, and where the pods of a group meet. With data parallel attention, ranks are parts of
    one tensor parallel group: the only way over several nodes, and that of expert parallelism."""
    parallelism, group = launch.role.parallelism, launch.group
    if parallelism is None:
        return {}
    engine, data = launch.role.engine, group.data
    asked = bool(engine and engine.args.get("enable-dp-attention"))
    attention = data > 1 and (asked or bool(parallelism.expert) or group.size > 1)
    tensor = (parallelism.tensor or 1) * data if attention else parallelism.tensor
    sizes: dict[str, Any] = {
        "tensor-parallel-size": tensor,
        "pipeline-parallel-size": parallelism.pipeline,
        "data-parallel-size": data if data > 1 else parallelism.data,
        "expert-parallel-size": (tensor or 1) if parallelism.expert else None,
        "enable-dp-attention": attention or None,
    }
    if group.size > 1:
        sizes |= {
            "nnodes": group.size,
            "node-rank": WORKER_INDEX if launch.is_worker else 0,
            "dist-init-addr": f"{LEADER_ADDRESS}:{parallelism.rpc_port}",
        }
    return {name: size for name, size in sizes.items() if size is not None}


def env(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    if launch.kv_cache.events is not None:
        derived["POD_IP"] = POD_ADDRESS
    for tier in launch.kv_cache.tiers:
        # sglang/srt/mem_cache/hicache_storage.py, HiCacheFile.
        derived["SGLANG_HICACHE_FILE_BACKEND_STORAGE_DIR"] = tier.path
    return derived


def ports(launch: Launch) -> list[dict[str, Any]]:
    heard, numbers = launch.kv_cache.events, {}
    if launch.role.kv_transfer is not None and launch.role_type == "prefill":
        numbers["bootstrap"] = BOOTSTRAP_PORT
    if heard is not None:
        numbers |= {"kv-events": heard.port, "kv-replay": heard.replay_port}
    return [{"name": n, "containerPort": at, "protocol": "TCP"} for n, at in numbers.items()]


def supervisor_port(launch: Launch) -> int | None:
    return None
