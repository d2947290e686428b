"""SGLang: `python3 -m sglang.launch_server --flag=…` (sgl-project/sglang, server_args.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "sglang"
METRICS_PATH = "/metrics"
LIVENESS_PATH = "/health"
READINESS_PATH = "/v1/models"
SIDECAR_CONNECTORS = {"nixl": "sglang", "mooncake": "sglang"}
NEEDS_WEIGHTS = True
# Where decode asks a prefill server for its peers: --disaggregation-bootstrap-port.
BOOTSTRAP_PORT = 8998


def command(launch: Launch) -> list[str]:
    return ["python3", "-m", "sglang.launch_server"]


def positional(launch: Launch) -> list[str]:
    return []


def flags(launch: Launch) -> dict[str, Any]:
    parallelism = launch.role.parallelism
    derived: dict[str, Any] = {
        "model-path": launch.weights.argument,
        "served-model-name": launch.served_name,
        "host": "0.0.0.0",
        "port": launch.port,
        "enable-metrics": True,
    }
    if launch.revision and launch.weights.hub_name:
        derived["revision"] = launch.revision
    if parallelism is not None:
        sizes = {
            "tensor-parallel-size": parallelism.tensor,
            "pipeline-parallel-size": parallelism.pipeline,
            "data-parallel-size": parallelism.data,
        }
        derived.update({name: size for name, size in sizes.items() if size is not None})
    transfer = launch.role.kv_transfer
    if transfer is not None and launch.role_type in ("prefill", "decode"):
        derived["disaggregation-mode"] = launch.role_type
        derived["disaggregation-transfer-backend"] = transfer.connector
    return derived


def env(launch: Launch) -> dict[str, Any]:
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    if launch.role.kv_transfer is None or launch.role_type != "prefill":
        return []
    return [{"name": "bootstrap", "containerPort": BOOTSTRAP_PORT, "protocol": "TCP"}]
