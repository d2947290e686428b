"""vLLM: `vllm serve MODEL --flag=…` (vllm-project/vllm, vllm/engine/arg_utils.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "vllm"
METRICS_PATH = "/metrics"
LIVENESS_PATH = "/health"
READINESS_PATH = "/v1/models"

# kv_connector names of vLLM's connector factory.
CONNECTORS = {"nixl": "NixlConnector", "mooncake": "MooncakeConnector"}
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = True
NIXL_PORT = 5600
# The sidecar keeps idle connections 90 s, vLLM's server 5 s by default: the shorter one resets the
# longer one's connections (llm-d guides/pd-disaggregation).
KEEP_ALIVE_SECONDS = 120


def command(launch: Launch) -> list[str]:
    return ["vllm", "serve"]


def positional(launch: Launch) -> list[str]:
    return [launch.weights.argument]


def flags(launch: Launch) -> dict[str, Any]:
    parallelism = launch.role.parallelism
    derived: dict[str, Any] = {"served-model-name": launch.served_name, "port": launch.port}
    if launch.revision and launch.weights.hub_name:
        derived["revision"] = launch.revision
    if parallelism is not None:
        sizes = {
            "tensor-parallel-size": parallelism.tensor,
            "pipeline-parallel-size": parallelism.pipeline,
            "data-parallel-size": parallelism.data,
            "enable-expert-parallel": parallelism.expert or None,
        }
        derived.update({name: size for name, size in sizes.items() if size is not None})
    transfer = launch.role.kv_transfer
    if transfer is not None:
        role = {"prefill": "kv_producer", "decode": "kv_consumer"}.get(launch.role_type, "kv_both")
        # NIXL pulls from either side and wants both roles; Mooncake wants one each.
        derived["kv-transfer-config"] = {
            "kv_connector": CONNECTORS[transfer.connector],
            "kv_role": "kv_both" if transfer.connector == "nixl" else role,
            **transfer.config,
        }
    return derived


def env(launch: Launch) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    transfer = launch.role.kv_transfer
    if transfer is not None and transfer.connector == "nixl":
        derived["VLLM_NIXL_SIDE_CHANNEL_HOST"] = {
            "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}
        }
        derived["VLLM_NIXL_SIDE_CHANNEL_PORT"] = str(NIXL_PORT)
    if launch.role_type == "prefill":
        derived["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] = str(KEEP_ALIVE_SECONDS)
    return derived


def ports(launch: Launch) -> list[dict[str, Any]]:
    transfer = launch.role.kv_transfer
    if transfer is None or transfer.connector != "nixl":
        return []
    return [{"name": "nixl", "containerPort": NIXL_PORT, "protocol": "TCP"}]
