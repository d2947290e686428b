"""What vLLM is told of its KV cache: connectors, events, LMCache's and Mooncake's own settings.

In: a launch. Out: the values of `--kv-transfer-config` and `--kv-events-config`, environment and
ports. Read from vLLM v0.26.0 (vllm/v1/kv_offload, vllm/distributed/kv_events.py and
kv_transfer/kv_connector) and LMCache v0.5.6 (lmcache/v1/config.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelmill.engines.flags import POD_ADDRESS, less_index
from modelmill.quantities import amount
from modelmill.spec.kv_cache import KvCacheOffloading

if TYPE_CHECKING:
    from modelmill.engines import Launch

# kv_connector names of vLLM's connector factory.
TRANSFER = {"nixl": "NixlConnector", "mooncake": "MooncakeConnector"}
OFFLOADING = {
    "native": "OffloadingConnector",
    "lmcache": "LMCacheConnectorV1",
    "mooncake": "MooncakeStoreConnector",
}
POD_IP = "POD_IP"
NIXL_PORT = 5600
BOOTSTRAP = "VLLM_MOONCAKE_BOOTSTRAP_PORT"
BOOTSTRAP_PORT = 8998
"""Where decode asks a prefill pod for its ranks (vllm/envs.py)."""
# Read of the whole configuration alone, whatever it combines (vllm/v1/core/sched/scheduler.py).
FAILURE_POLICY = "kv_load_failure_policy"
GIBIBYTE = 2**30


def transfer_config(launch: Launch) -> dict[str, Any] | None:
    """The value of `--kv-transfer-config`. What both prefill and keep blocks use two connectors:
    vLLM loads from the first that has a block, and saves to each."""
    found = [each for each in (_transfer(launch), _offloading(launch)) if each is not None]
    if len(found) < 2:
        return found[0] if found else None
    policy = {k: v for each in found for k, v in each.items() if k == FAILURE_POLICY}
    parts = [{k: v for k, v in each.items() if k != FAILURE_POLICY} for each in found]
    return {
        "kv_connector": "MultiConnector",
        "kv_role": "kv_both",
        **policy,
        "kv_connector_extra_config": {"connectors": parts},
    }


def _transfer(launch: Launch) -> dict[str, Any] | None:
    transfer = launch.role.kv_transfer
    if transfer is None:
        return None
    role = {"prefill": "kv_producer", "decode": "kv_consumer"}.get(launch.role_type, "kv_both")
    # NIXL pulls from either side and wants both roles; Mooncake wants one each.
    return {
        "kv_connector": TRANSFER[transfer.connector],
        "kv_role": "kv_both" if transfer.connector == "nixl" else role,
        **transfer.config,
    }


def _offloading(launch: Launch) -> dict[str, Any] | None:
    kept = launch.kv_cache.offloading
    if kept is None:
        return None
    native = _native(launch, kept) if kept.connector == "native" else {}
    extra = {**native, **kept.config}
    return {
        "kv_connector": OFFLOADING[kept.connector],
        "kv_role": "kv_both",
        **({"kv_connector_extra_config": extra} if extra else {}),
    }


def _native(launch: Launch, kept: KvCacheOffloading) -> dict[str, Any]:
    """Settings of vLLM's own connector. Each data parallel rank is an engine with a memory of its
    own, and its bytes are those of all pods it takes."""
    group = launch.group
    found: dict[str, Any] = {
        "cpu_bytes_to_use": amount(kept.cpu) * group.nodes // group.ranks if kept.cpu else None,
        "eviction_policy": kept.eviction_policy,
        "block_size": kept.block_size,
    }
    if launch.kv_cache.tiers:
        found["spec_name"] = "TieringOffloadingSpec"
        found["secondary_tiers"] = [
            {
                "type": "fs",
                "root_dir": tier.path,
                **({"n_read_threads": tier.threads} if tier.threads else {}),
                **({"n_write_threads": tier.threads} if tier.threads else {}),
            }
            for tier in launch.kv_cache.tiers
        ]
    return {name: value for name, value in found.items() if value is not None}


def events_config(launch: Launch) -> dict[str, Any] | None:
    """The value of `--kv-events-config`. vLLM adds a rank's number in its group to both ports."""
    heard = launch.kv_cache.events
    if heard is None:
        return None
    return {
        "enable_kv_cache_events": True,
        "publisher": "zmq",
        "endpoint": _endpoint(launch, heard.port),
        "replay_endpoint": _endpoint(launch, heard.replay_port),
        "topic": f"{heard.topic}$({POD_IP}):{launch.kv_cache.port}@{launch.served_name}",
        **heard.config,
    }


def _endpoint(launch: Launch, port: int) -> str:
    """The address for the group's rank 0, so that the first rank of this pod is at `port`: a picker
    looks for all pods at the same one."""
    group = launch.group
    if not launch.is_worker or group.nodes > 1:
        return f"tcp://*:{port}"
    first = port - group.ranks if group.size == 2 else less_index(port, group.ranks)
    return f"tcp://*:{first}"


def env(launch: Launch) -> dict[str, Any]:
    told, transfer = launch.kv_cache, launch.role.kv_transfer
    derived: dict[str, Any] = {}
    if transfer is not None and transfer.connector == "nixl":
        derived["VLLM_NIXL_SIDE_CHANNEL_HOST"] = POD_ADDRESS
        derived["VLLM_NIXL_SIDE_CHANNEL_PORT"] = str(NIXL_PORT)
    elif transfer is not None and launch.role_type == "prefill":
        derived[BOOTSTRAP] = str(BOOTSTRAP_PORT)
    if told.events is not None:
        derived[POD_IP] = POD_ADDRESS
    if told.hash_seed is not None:
        derived["PYTHONHASHSEED"] = told.hash_seed
    if told.offloading is not None and told.offloading.connector == "lmcache":
        derived |= _lmcache(launch, told.offloading)
    if told.store_config:
        derived["MOONCAKE_CONFIG_PATH"] = told.store_config
    return derived


def _lmcache(launch: Launch, kept: KvCacheOffloading) -> dict[str, str]:
    """LMCache's settings. Each process of a pod has memory and disk of its own, in GiB."""
    found: dict[str, str | None] = {
        "LMCACHE_LOCAL_CPU": "True",
        "LMCACHE_MAX_LOCAL_CPU_SIZE": _share(launch, amount(kept.cpu)) if kept.cpu else None,
        "LMCACHE_CHUNK_SIZE": str(kept.block_size) if kept.block_size else None,
        "LMCACHE_CACHE_POLICY": kept.eviction_policy.upper() if kept.eviction_policy else None,
    }
    for tier in launch.kv_cache.tiers:
        found["LMCACHE_LOCAL_DISK"] = f"file://{tier.path}/"
        found["LMCACHE_MAX_LOCAL_DISK_SIZE"] = _share(launch, tier.size) if tier.size else None
    return {name: value for name, value in found.items() if value is not None}


def _share(launch: Launch, size: int) -> str:
    """One process's part of a pod's bytes, in GiB."""
    share = size / (GIBIBYTE * launch.group.accelerators)
    return f"{share:.3f}".rstrip("0").rstrip(".")


def ports(launch: Launch) -> list[dict[str, Any]]:
    """Container ports of transfers and events; of events one for each rank of the pod."""
    transfer, heard = launch.role.kv_transfer, launch.kv_cache.events
    numbers: dict[str, int] = {}
    if transfer is not None and transfer.connector == "nixl":
        numbers["nixl"] = NIXL_PORT
    elif transfer is not None and launch.role_type == "prefill":
        numbers["bootstrap"] = _bootstrap_port(launch)
    first = {"kv-events": heard.port, "kv-replay": heard.replay_port} if heard is not None else {}
    for name, port in first.items():
        for rank in range(launch.group.ranks):
            numbers[f"{name}-{rank}" if rank else name] = port + rank
    return [{"name": n, "containerPort": at, "protocol": "TCP"} for n, at in numbers.items()]


def _bootstrap_port(launch: Launch) -> int:
    """Mooncake's port, unless people wrote another where it can be read."""
    engine = launch.role.engine
    written = str(engine.env.get(BOOTSTRAP)) if engine is not None else ""
    return int(written) if written.isascii() and written.isdigit() else BOOTSTRAP_PORT
