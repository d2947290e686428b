"""A server modelmill does not know: its command line and ports are as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelmill.engines import Launch

NAME = "custom"
METRICS_PATH = "/metrics"
METRICS: dict[str, str] = {}
# How it answers is not known, so that no probe follows.
LIVENESS_PATH = ""
READINESS_PATH = ""
SIDECAR_CONNECTORS = {"nixl": "nixlv2", "mooncake": "mooncake"}
NEEDS_WEIGHTS = True
STREAMS = True
LOAD_BALANCING = ("internal", "hybrid", "external")
ADAPTER_NAME = "{adapter}"
BLOCK_SIZE_FLAG = ""
BLOCK_SIZE = None
OFFLOADING = {"native": 16, "lmcache": 16, "mooncake": 16}
HAS_EVENTS = True


def command(launch: Launch) -> list[str]:
    return []


def positional(launch: Launch) -> list[str]:
    return []


def flags(launch: Launch) -> dict[str, Any]:
    return {}


def env(launch: Launch) -> dict[str, Any]:
    return {}


def ports(launch: Launch) -> list[dict[str, Any]]:
    return []


def supervisor_port(launch: Launch) -> int | None:
    return None
