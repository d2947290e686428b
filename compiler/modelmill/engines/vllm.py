"""vLLM: `vllm serve MODEL --flag=…` (vllm-project/vllm, vllm/engine/arg_utils.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.catalogues import engine_catalogue
from modelmill.engines import vllm_kv
from modelmill.engines.flags import LEADER_ADDRESS, WORKER_INDEX, reloaded, times_index
from modelmill.groups import load_balancing, ports_of, workers_serve
from modelmill.spec.engine import Parallelism

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "vllm"
METRICS_PATH = "/metrics"
# vllm/v1/metrics/loggers.py.
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
    "preemptions": "vllm:num_preemptions_total",
    "adapters": "vllm:lora_requests_info",
}
LIVENESS_PATH = "/health"
READINESS_PATH = "/v1/models"
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = True
STREAMS = True
LOAD_BALANCING = ("internal", "hybrid", "external")
ADAPTER_NAME = "{adapter}"
# LoRAConfig.max_lora_rank, where nothing is said (vllm/config/lora.py).
DEFAULT_RANK = 16
BLOCK_SIZE_FLAG = "block-size"
# CacheConfig.DEFAULT_BLOCK_SIZE (vllm/config/cache.py); some attention backends choose another.
BLOCK_SIZE = 16
# How many file systems each `kvCacheOffloading.connector` takes.
OFFLOADING = {"native": 16, "lmcache": 1, "mooncake": 0}
HAS_EVENTS = True
# The sidecar keeps idle connections 90 s, vLLM's server 5 s by default: the shorter one resets the
# longer one's connections (llm-d guides/pd-disaggregation).
KEEP_ALIVE_SECONDS = 120


def command(launch: Launch) -> list[str]:
    return ["vllm", "serve"]


def positional(launch: Launch) -> list[str]:
    return [launch.weights.argument]


def flags(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {"served-model-name": launch.served_name, "port": launch.port}
    if launch.revision and launch.weights.hub_name:
        derived["revision"] = launch.revision
    if launch.weights.url:
        derived["load-format"] = "runai_streamer"
    if launch.role.parallelism is not None:
        derived.update(_parallel(launch, launch.role.parallelism))
    if launch.tracing is not None:
        derived["otlp-traces-endpoint"] = launch.tracing.endpoint
        derived["collect-detailed-traces"] = launch.tracing.detail
    if launch.role.dual_pods is not None:
        derived["enable-sleep-mode"] = True
    derived.update(_adapters(launch))
    derived.update(reloaded(launch.tls_path))
    configs = {
        "kv-transfer-config": vllm_kv.transfer_config(launch),
        "kv-events-config": vllm_kv.events_config(launch),
    }
    derived.update({name: config for name, config in configs.items() if config is not None})
    return derived


def _adapters(launch: Launch) -> dict[str, Any]:
    """Adapters as the JSON form of --lora-modules, which holds a name with any letter in it
    (vllm/entrypoints/openai/cli_args.py, LoRAParserAction). What is loaded while it runs is only
    made room for."""
    if launch.adapter_sync:
        servers = 1 if _has_several_servers(launch) else None
        return {"enable-lora": True, "max-lora-rank": _rank(launch), "api-server-count": servers}
    if not launch.adapters:
        return {}
    modules = [
        {"name": each.name, "path": each.path, "base_model_name": each.base_model}
        for each in launch.adapters
    ]
    return {"enable-lora": True, "lora-modules": modules, "max-lora-rank": _rank(launch)}


def _has_several_servers(launch: Launch) -> bool:
    """Whether vLLM would start as many API servers as ranks: only one may know what was loaded
    (vllm/entrypoints/cli/serve.py)."""
    spread = load_balancing(launch.role) in ("internal", "hybrid") and launch.group.data > 1
    return spread and (not launch.is_worker or workers_serve(launch.role))


def _rank(launch: Launch) -> int | None:
    """The smallest rank that vLLM is made for and all adapters have room in. None where no rank is
    known; one that is not may be as large as the engine's default."""
    known = [each.rank for each in launch.adapters if each.rank is not None]
    if not known:
        return None
    largest = max(known if len(known) == len(launch.adapters) else [*known, DEFAULT_RANK])
    ranks = sorted(int(each) for each in engine_catalogue(NAME).flags["max-lora-rank"].choices)
    return next((each for each in ranks if each >= largest), ranks[-1])


def _parallel(launch: Launch, parallelism: Parallelism) -> dict[str, Any]:
    """Sizes, where the pods of a group meet, and which ranks this pod has."""
    group, has_ports = launch.group, _has_supervisor(launch)
    several = group.size > 1 and group.nodes == 1
    sizes = {
        "tensor-parallel-size": parallelism.tensor,
        "pipeline-parallel-size": parallelism.pipeline,
        "data-parallel-size": group.data if group.data > 1 else parallelism.data,
        "data-parallel-size-local": group.ranks if several or has_ports else parallelism.data_local,
        "enable-expert-parallel": parallelism.expert or None,
        "data-parallel-multi-port-external-lb": has_ports or None,
        "data-parallel-supervisor-port": supervisor_port(launch),
    }
    if group.nodes > 1:
        sizes |= _over_nodes(launch, parallelism)
    elif several:
        sizes |= _over_ranks(launch, parallelism)
    return {name: size for name, size in sizes.items() if size is not None}


def _over_nodes(launch: Launch, parallelism: Parallelism) -> dict[str, Any]:
    """Ranks that take several pods each: one executor over all of them (llm-d
    guides/wide-ep-lws/modelserver/gpu/vllm-kimi-k3)."""
    port = "data-parallel-rpc-port" if launch.group.data > 1 else "master-port"
    return {
        "nnodes": launch.group.size,
        "node-rank": WORKER_INDEX if launch.is_worker else 0,
        "master-addr": LEADER_ADDRESS,
        port: parallelism.rpc_port,
        "headless": launch.is_worker or None,
    }


def _over_ranks(launch: Launch, parallelism: Parallelism) -> dict[str, Any]:
    """Pods that hold whole ranks: which of them, and how they find each other (vllm
    docs/serving/data_parallel_deployment.md)."""
    group, balancing = launch.group, load_balancing(launch.role)
    meeting = {
        "data-parallel-address": LEADER_ADDRESS,
        "data-parallel-rpc-port": parallelism.rpc_port,
    }
    if group.ranks == 1 and balancing != "internal":
        # A pod that takes requests for one rank has nothing to spread: vLLM's external balancing.
        return {**meeting, "data-parallel-rank": WORKER_INDEX, "data-parallel-size-local": None}
    return {
        **meeting,
        "data-parallel-hybrid-lb": balancing == "hybrid" or None,
        "data-parallel-start-rank": _start_rank(launch),
        "headless": (launch.is_worker and balancing == "internal") or None,
    }


def _start_rank(launch: Launch) -> int | str | None:
    """The first rank of a pod; a leader's is 0, which need not be said."""
    group = launch.group
    if not launch.is_worker:
        return None
    return group.ranks if group.size == 2 else times_index(group.ranks)


def _has_supervisor(launch: Launch) -> bool:
    """Whether vLLM starts a server for each rank of the pod, and one over them."""
    engine = launch.role.engine
    return ports_of(launch.role) > 1 and (engine is None or engine.argv is None)


def supervisor_port(launch: Launch) -> int | None:
    """The one after the ranks' ports."""
    return launch.port + launch.group.ranks if _has_supervisor(launch) else None


def env(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    if launch.adapter_sync:
        derived["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    if launch.adapters_folder:
        # Without VLLM_PLUGINS all plugins are loaded; naming this one leaves out the hardware's
        # (vllm/plugins/__init__.py).
        derived["VLLM_LORA_RESOLVER_CACHE_DIR"] = launch.adapters_folder
    if launch.role.dual_pods is not None:
        # The server has /sleep and /wake_up only so (vllm/entrypoints/serve/sleep).
        derived["VLLM_SERVER_DEV_MODE"] = "1"
    derived.update(vllm_kv.env(launch))
    if launch.role_type == "prefill":
        derived["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] = str(KEEP_ALIVE_SECONDS)
    return derived


def ports(launch: Launch) -> list[dict[str, Any]]:
    return vllm_kv.ports(launch)
