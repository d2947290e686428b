"""The llm-d inference simulator: vLLM's API without a GPU (llm-d/llm-d-inference-sim)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.groups import ports_of

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "inference-sim"
METRICS_PATH = "/metrics"
LIVENESS_PATH = "/health"
READINESS_PATH = "/ready"
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = False
LOAD_BALANCING = ("internal", "hybrid", "external")
ADAPTER_NAME = "{adapter}"


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
    return derived


def env(launch: Launch) -> dict[str, Any]:
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    return []


def supervisor_port(launch: Launch) -> int | None:
    return None
