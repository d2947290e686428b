"""Serving engines: what a role's fields mean on each engine's command line.

One module an engine. A module is an `Engine`: constants and pure functions of a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol, cast

from modelmill.engines import custom, inference_sim, sglang, vllm
from modelmill.groups import ONE_POD, Group
from modelmill.model_uri import ModelUri
from modelmill.spec.kv_cache import KvCacheOffloading
from modelmill.spec.role import Role
from modelmill.spec.tracing import Tracing
from modelmill.tuples import NamedTuple


class LoadedAdapter(NamedTuple):
    """A LoRA adapter that an engine serves: its name, its folder in the pod, the served name of the
    model under it, its rank, if that is known, and whether it may not leave the accelerator."""

    name: str
    path: str
    base_model: str
    rank: int | None
    pinned: bool = False


class KvTier(NamedTuple):
    """A file system for KV cache: where the pod has it, its bytes if they are known, and how many
    threads read, and as many write."""

    path: str
    size: int | None
    threads: int | None


class Events(NamedTuple):
    """Where a pod tells of its KV cache: the ports of its first rank, what a topic begins with, and
    further keys of the engine's configuration."""

    port: int
    replay_port: int
    topic: str
    config: Mapping[str, Any]


class KvCache(NamedTuple):
    """What an engine is told of KV cache outside of its accelerator. `port`: the one by which a
    picker knows the pod, or the first of its ranks; `store_config`: the file with the client's
    configuration of a Mooncake store, "" without one."""

    offloading: KvCacheOffloading | None = None
    tiers: tuple[KvTier, ...] = ()
    events: Events | None = None
    port: int = 0
    hash_seed: str | None = None
    store_config: str = ""


NO_KV_CACHE = KvCache()


class Launch(NamedTuple):
    """What an engine must know to start: the role and what was derived beside it. `is_worker`: in
    a pod of the group that is not its leader. `adapter_sync`: who loads adapters while it runs,
    `sidecar` or `resolver`; "" where it loads them at its start. `adapters_folder`: where a
    resolver finds them by name. `tls_path`: the folder with tls.crt and tls.key; "" without TLS."""

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
    adapter_sync: str = ""
    adapters_folder: str = ""
    tls_path: str = ""
    kv_cache: KvCache = NO_KV_CACHE


class EngineModule(Protocol):
    """NAME is `engine.type`; METRICS_PATH and the probe paths are HTTP paths on the engine's port;
    METRICS what it calls `waiting` and `running` requests and `kv-cache` usage; the histograms of
    `ttft`, `tpot` and `e2e`; the counters of finished `requests`, `prompt-tokens`,
    `generation-tokens`, tokens looked up (`prefix-queries`) and found (`prefix-hits`) in the prefix
    cache, and `preemptions`; and `adapters`, whose labels name those in use.
    SIDECAR_CONNECTORS is the routing sidecar's name for each `kvTransfer.connector`;
    NEEDS_WEIGHTS whether the model's volume must be mounted; STREAMS whether it reads weights from
    an object store by itself; LOAD_BALANCING the values of
    `parallelism.loadBalancing` it knows; ADAPTER_NAME what a request for an adapter says, of its
    `{adapter}` name and the `{model}`'s; BLOCK_SIZE tokens in a block of KV cache unless the flag
    BLOCK_SIZE_FLAG is given; OFFLOADING how many file systems each `kvCacheOffloading.connector`
    takes; HAS_EVENTS whether it tells of its KV cache by ZeroMQ."""

    NAME: str
    METRICS_PATH: str
    METRICS: Mapping[str, str]
    LIVENESS_PATH: str
    READINESS_PATH: str
    SIDECAR_CONNECTORS: Mapping[str, str]
    NEEDS_WEIGHTS: bool
    STREAMS: bool
    LOAD_BALANCING: tuple[str, ...]
    ADAPTER_NAME: str
    BLOCK_SIZE_FLAG: str
    BLOCK_SIZE: int | None
    OFFLOADING: Mapping[str, int]
    HAS_EVENTS: bool

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
