"""KV cache beyond an accelerator's memory: where pods keep it, and how they tell of it alike.

In: a variant and a role's key. Out: what engine, endpoint picker and checks must agree on (block
size, hash seed, events, offloading), and the volumes and mounts of a pod. What the flags are,
`engines/` know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelmill.containers import Manifest, given
from modelmill.engines import ENGINES, NO_KV_CACHE, Events, KvCache, KvTier
from modelmill.engines.flags import compact
from modelmill.groups import SIMULATOR, group_of
from modelmill.hashes import sha256
from modelmill.names import child_name
from modelmill.quantities import amount
from modelmill.spec.kv_cache import KvCacheOffloading, Tier
from modelmill.spec.pod import EnvSource
from modelmill.spec.role import Role
from modelmill.variant import Variant

HASH_SEED = "PYTHONHASHSEED"
"""Seeds the hashes of blocks (vllm/v1/core/kv_cache_utils.py, init_none_hash; lmcache
v1/token_database.py): pods with different seeds never find each other's."""
DEFAULT_SEED = "0"
REPLAY_PORT = 5559
"""Of llm-d guides/precise-prefix-cache-routing."""
TIER_VOLUME = "kv-cache-secondary"
TIER_MOUNT = "/mnt/kv-cache"
STORE = "mooncake-config"
STORE_FILE = "mooncake_config.json"
STORE_MOUNT = "/etc/mooncake"


def block_size(variant: Variant, key: str) -> int | None:
    """Tokens in a block of the role's engine: what it is told, or its default. None where its
    arguments are written word for word, or nothing is known of it."""
    engine = variant.roles[key].engine
    if engine is None or engine.argv is not None:
        return None
    module = ENGINES[engine.type]
    told = said_block_size(variant.roles[key])
    return told if told is not None else module.BLOCK_SIZE


def said_block_size(role: Role) -> int | None:
    """The block size that people wrote among the engine's flags."""
    engine = role.engine
    if engine is None:
        return None
    flag = ENGINES[engine.type].BLOCK_SIZE_FLAG
    written = {name.replace("_", "-"): value for name, value in engine.args.items()}
    told = written.get(flag)
    return told if isinstance(told, int) else None


def hash_seed(variant: Variant, key: str) -> str | None:
    """The seed of the role's hashes: what its engine is given, or what any role of the model is, or
    0 where pods must agree on one. None where they need not."""
    own = given_seed(variant.roles[key])
    if own is not None:
        return own
    if not any(agrees(variant, each) for each in variant.roles):
        return None
    others = [given_seed(role) for role in variant.roles.values()]
    return next((seed for seed in others if seed is not None), DEFAULT_SEED)


def given_seed(role: Role) -> str | None:
    """The seed that people wrote; None where it comes from somewhere else."""
    value = role.engine.env.get(HASH_SEED) if role.engine is not None else None
    return None if value is None or isinstance(value, EnvSource) else str(value)


def agrees(variant: Variant, key: str) -> bool:
    """Whether what others compute of the role's blocks must be what it computes: a picker that
    hears of them, or pods that share a store or a file system."""
    kept = offloading(variant, key)
    shared = kept is not None and (bool(kept.tiers) or kept.connector != "native")
    return events(variant, key) is not None or shared


def events(variant: Variant, key: str) -> Events | None:
    """The events that a picker is told to hear of the role's pods, at the same ports of all roles.
    A simulator stands for an engine that has them, and has none itself."""
    heard = variant.roles[key].kv_events
    if heard is None:
        return None
    ranks = max(group_of(role).ranks for role in variant.roles.values() if role.kv_events)
    replay = heard.replay_port or max(REPLAY_PORT, heard.port + ranks)
    return Events(heard.port, replay, heard.topic, heard.config)


def offloading(variant: Variant, key: str) -> KvCacheOffloading | None:
    """Where the role's pods keep blocks; a simulator has none to keep."""
    role = variant.roles[key]
    simulated = role.engine is not None and role.engine.type == SIMULATOR
    return None if simulated else role.kv_cache_offloading


def told(variant: Variant, key: str) -> KvCache:
    """What the role's engine must know of it."""
    kept, heard = offloading(variant, key), events(variant, key)
    given = given_seed(variant.roles[key]) is not None
    seed = None if given else hash_seed(variant, key)
    if kept is None and heard is None and seed is None:
        return NO_KV_CACHE
    return KvCache(
        offloading=kept,
        tiers=tiers(kept),
        events=heard,
        port=variant.routing.port,
        hash_seed=seed,
        store_config=f"{STORE_MOUNT}/{STORE_FILE}" if store_config(variant, key) else "",
    )


def beside(variant: Variant, key: str) -> str:
    """What other roles have a part in, for those who keep what they made of this one."""
    heard = events(variant, key)
    return f"{hash_seed(variant, key)} {heard.replay_port if heard is not None else None}"


def tiers(kept: KvCacheOffloading | None) -> tuple[KvTier, ...]:
    """The file systems of a pod, in the order they are written."""
    entries = enumerate(kept.tiers.values()) if kept is not None else ()
    return tuple(KvTier(f"{TIER_MOUNT}-{at}", _size(tier), tier.threads) for at, tier in entries)


def _size(tier: Tier) -> int | None:
    """Bytes of a tier; of a claim that exists they are not known."""
    sized = tier.empty_dir or tier.claim
    return amount(sized.size) if sized is not None else None


def ranks_in_pod(role: Role) -> int:
    """Processes of a pod that hold a part of the model each: one an accelerator, or the one."""
    return group_of(role).accelerators


def memory(role: Role) -> int | None:
    """Bytes of the pod's memory that blocks, and transfers of them, take; None where not said."""
    kept = role.kv_cache_offloading
    if kept is None or kept.cpu is None:
        return None
    buffers = amount(kept.mooncake.local_buffer_size) if kept.mooncake is not None else 0
    return amount(kept.cpu) + buffers * ranks_in_pod(role)


def volumes(variant: Variant, key: str) -> list[Manifest]:
    """A volume for each tier, one for all that are on a claim, and one for the file that tells of a
    store."""
    kept = offloading(variant, key)
    entries = list(kept.tiers.values()) if kept is not None else []
    named = {_volume_name(entries, at): tier for at, tier in enumerate(entries)}
    found = [{"name": name, **_volume(tier)} for name, tier in named.items()]
    if store_config(variant, key):
        found.append({"name": STORE, "configMap": {"name": store_name(variant, key)}})
    return found


def _volume_name(tiers: Sequence[Tier], at: int) -> str:
    """The volume of a tier. Pods whose volumes are of one claim may never start
    (kubernetes/kubernetes#82526)."""
    claims = [tier.existing_claim.name if tier.existing_claim else None for tier in tiers]
    return f"{TIER_VOLUME}-{claims.index(claims[at]) if claims[at] is not None else at}"


def _volume(tier: Tier) -> Manifest:
    if tier.existing_claim is not None:
        return {"persistentVolumeClaim": {"claimName": tier.existing_claim.name}}
    if tier.claim is not None:
        spec = {
            "accessModes": list(tier.claim.access_modes),
            "resources": {"requests": {"storage": tier.claim.size}},
            **given(storageClassName=tier.claim.storage_class_name),
            "volumeMode": "Filesystem",
        }
        return {"ephemeral": {"volumeClaimTemplate": {"spec": spec}}}
    assert tier.empty_dir is not None
    return {"emptyDir": {"sizeLimit": tier.empty_dir.size}}


def mounts(variant: Variant, key: str) -> list[Manifest]:
    """Where the engine's container has them."""
    kept = offloading(variant, key)
    entries = list(kept.tiers.values()) if kept is not None else []
    found = [
        given(
            name=_volume_name(entries, at),
            mountPath=f"{TIER_MOUNT}-{at}",
            subPath=tier.existing_claim.path if tier.existing_claim is not None else None,
        )
        for at, tier in enumerate(entries)
    ]
    if store_config(variant, key):
        found.append({"name": STORE, "mountPath": STORE_MOUNT, "readOnly": True})
    return found


def scratch(variant: Variant, key: str) -> list[str]:
    """What tiers take of the node's disk, so that the scheduler sees it."""
    kept = offloading(variant, key)
    disks = [tier.empty_dir for tier in kept.tiers.values()] if kept is not None else []
    return [disk.size for disk in disks if disk is not None]


def store_config(variant: Variant, key: str) -> Manifest:
    """The configuration of a Mooncake store's client, of which each rank of a pod has its own
    (vllm/distributed/kv_transfer/kv_connector/v1/mooncake/store/worker.py, MooncakeStoreConfig);
    empty without a store."""
    kept = offloading(variant, key)
    if kept is None or kept.connector != "mooncake" or kept.mooncake is None:
        return {}
    store = kept.mooncake
    sizes: dict[str, Any] = {"local_buffer_size": amount(store.local_buffer_size)}
    if kept.cpu is not None:
        sizes["global_segment_size"] = amount(kept.cpu) // ranks_in_pod(variant.roles[key])
    return {
        "metadata_server": store.metadata_server,
        "master_server_address": store.master_server_address,
        "protocol": store.protocol,
        "device_name": store.device_name,
        **sizes,
    }


def store_text(variant: Variant, key: str) -> str:
    return compact(store_config(variant, key))


def store_name(variant: Variant, key: str) -> str:
    """The ConfigMap's name, which a change of what it holds changes too: pods restart."""
    digest = sha256(store_text(variant, key))[:8]
    return child_name(variant.name, f"{key}-mooncake-{digest}")
