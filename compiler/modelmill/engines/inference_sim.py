"""The llm-d inference simulator: vLLM's API without a GPU (llm-d/llm-d-inference-sim)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "inference-sim"
METRICS_PATH = "/metrics"
LIVENESS_PATH = "/health"
READINESS_PATH = "/ready"
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = False


def command(launch: Launch) -> list[str]:
    return []


def positional(launch: Launch) -> list[str]:
    return []


def flags(launch: Launch) -> dict[str, Any]:
    parallelism = launch.role.parallelism
    derived: dict[str, Any] = {
        "model": launch.served_name,
        "served-model-name": launch.served_name,
        "port": launch.port,
    }
    if parallelism is not None and parallelism.data is not None:
        derived["data-parallel-size"] = parallelism.data
    return derived


def env(launch: Launch) -> dict[str, Any]:
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    return []
