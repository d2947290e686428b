"""Serving engines: what a role's fields mean on each engine's command line.

One module an engine. A module is an `Engine`: constants and pure functions of a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol, cast

from modelmill.engines import inference_sim, sglang, vllm
from modelmill.model_uri import ModelUri
from modelmill.spec.role import Role


class Launch(NamedTuple):
    """What an engine must know to start: the role and what was derived beside it."""

    role: Role
    role_type: str
    served_name: str
    weights: ModelUri
    revision: str | None
    port: int


class EngineModule(Protocol):
    """NAME is `engine.type`; METRICS_PATH and the probe paths are HTTP paths on the engine's port.
    SIDECAR_CONNECTORS is the routing sidecar's name for each `kvTransfer.connector`;
    NEEDS_WEIGHTS whether the model's volume must be mounted."""

    NAME: str
    METRICS_PATH: str
    LIVENESS_PATH: str
    READINESS_PATH: str
    SIDECAR_CONNECTORS: Mapping[str, str]
    NEEDS_WEIGHTS: bool

    def command(self, launch: Launch) -> list[str]: ...

    def flags(self, launch: Launch) -> dict[str, Any]:
        """Flags that follow from the input's fields, by name, in the engine's spelling."""
        ...

    def positional(self, launch: Launch) -> list[str]: ...

    def env(self, launch: Launch) -> dict[str, Any]:
        """Environment that follows from the input's fields."""
        ...

    def ports(self, launch: Launch) -> list[dict[str, Any]]:
        """Container ports beside the one requests come in on."""
        ...


MODULES: tuple[ModuleType, ...] = (vllm, sglang, inference_sim)
ENGINES: Mapping[str, EngineModule] = {
    module.NAME: cast(EngineModule, module) for module in MODULES
}
