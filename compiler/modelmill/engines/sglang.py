"""SGLang: `python3 -m sglang.launch_server --flag=…` (sgl-project/sglang, server_args.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.engines.flags import LEADER_ADDRESS, WORKER_INDEX

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "sglang"
METRICS_PATH = "/metrics"
LIVENESS_PATH = "/health"
READINESS_PATH = "/v1/models"
SIDECAR_CONNECTORS = {"nixl": "sglang", "mooncake": "sglang"}
NEEDS_WEIGHTS = True
LOAD_BALANCING = ("internal",)
# sglang/srt/entrypoints/openai/serving_base.py, _parse_model_parameter.
ADAPTER_NAME = "{model}:{adapter}"
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
            {"lora_name": each.name, "lora_path": each.path, "pinned": False}
            for each in launch.adapters
        ]
    transfer = launch.role.kv_transfer
    if transfer is not None and launch.role_type in ("prefill", "decode"):
        derived["disaggregation-mode"] = launch.role_type
        derived["disaggregation-transfer-backend"] = transfer.connector
    return derived


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
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    if launch.role.kv_transfer is None or launch.role_type != "prefill":
        return []
    return [{"name": "bootstrap", "containerPort": BOOTSTRAP_PORT, "protocol": "TCP"}]


def supervisor_port(launch: Launch) -> int | None:
    return None
