"""Serving engines: what a role's fields mean on each engine's command line.

One module an engine. A module is an `Engine`: constants and pure functions of a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol, cast

from modelmill.engines import custom, inference_sim, sglang, vllm
from modelmill.groups import ONE_POD, Group
from modelmill.model_uri import ModelUri
from modelmill.spec.role import Role
from modelmill.spec.tracing import Tracing


class LoadedAdapter(NamedTuple):
    """A LoRA adapter that an engine serves: its name, its folder in the pod, the served name of the
    model under it, and its rank, if that is known."""

    name: str
    path: str
    base_model: str
    rank: int | None


class Launch(NamedTuple):
    """What an engine must know to start: the role and what was derived beside it. `is_worker`: in
    a pod of the group that is not its leader."""

    role: Role
    role_type: str
    served_name: str
    weights: ModelUri
    revision: str | None
    port: int
    tracing: Tracing | None = None
    group: Group = ONE_POD
    is_worker: bool = False
    adapters: tuple[LoadedAdapter, ...] = ()


class EngineModule(Protocol):
    """NAME is `engine.type`; METRICS_PATH and the probe paths are HTTP paths on the engine's port.
    SIDECAR_CONNECTORS is the routing sidecar's name for each `kvTransfer.connector`;
    NEEDS_WEIGHTS whether the model's volume must be mounted; LOAD_BALANCING the values of
    `parallelism.loadBalancing` it knows; ADAPTER_NAME what a request for an adapter says, of its
    `{adapter}` name and the `{model}`'s."""

    NAME: str
    METRICS_PATH: str
    LIVENESS_PATH: str
    READINESS_PATH: str
    SIDECAR_CONNECTORS: Mapping[str, str]
    NEEDS_WEIGHTS: bool
    LOAD_BALANCING: tuple[str, ...]
    ADAPTER_NAME: str

    def command(self, launch: Launch) -> list[str]: ...

    def flags(self, launch: Launch) -> dict[str, Any]:
        """Flags that follow from the input's fields, by name, in the engine's spelling."""
        ...

    def positional(self, launch: Launch) -> list[str]: ...

    def env(self, launch: Launch) -> dict[str, Any]:
        """Environment that follows from the input's fields."""
        ...

    def ports(self, launch: Launch) -> list[dict[str, Any]]:
        """Container ports beside those requests come in on."""
        ...

    def supervisor_port(self, launch: Launch) -> int | None:
        """Port on which several servers in one pod answer probes together; None for one server."""
        ...


MODULES: tuple[ModuleType, ...] = (vllm, sglang, inference_sim, custom)
ENGINES: Mapping[str, EngineModule] = {
    module.NAME: cast(EngineModule, module) for module in MODULES
}
