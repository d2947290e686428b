"""KV cache beyond the accelerator's memory, where KServe has a field for it.

In: a variant and a role's key. Out: `kvCacheOffloading` of a workload (kserve/kserve,
pkg/controller/v1alpha2/llmisvc/workload_kvcache.go). Its flag gives every engine all of the memory,
and nothing else than an eviction policy and folders; what wants more is written as flags.
"""

from __future__ import annotations

from modelmill import kv_cache
from modelmill.containers import Manifest, given
from modelmill.groups import group_of
from modelmill.spec.kv_cache import KvCacheOffloading, Tier
from modelmill.variant import Variant


def is_declared(variant: Variant, key: str) -> bool:
    """Whether KServe's field says all of what the role wants."""
    role, kept = variant.roles[key], kv_cache.offloading(variant, key)
    engine = role.engine
    if kept is None or engine is None or engine.type != "vllm" or engine.command:
        return False
    if role.kv_transfer is not None or role.kv_events is not None or engine.argv is not None:
        return False
    group = group_of(role)
    return group.ranks == group.nodes == 1 and _is_plain(kept)


def _is_plain(kept: KvCacheOffloading) -> bool:
    plain = kept.connector == "native" and kept.cpu is not None
    threads = any(tier.threads is not None for tier in kept.tiers.values())
    return plain and kept.block_size is None and not kept.config and not threads


def kv_cache_offloading(variant: Variant, key: str) -> Manifest | None:
    kept = kv_cache.offloading(variant, key)
    if kept is None or not is_declared(variant, key):
        return None
    return given(
        cpu=kept.cpu,
        # What the API server fills in.
        evictionPolicy=kept.eviction_policy or "lru",
        secondary=[{"fileSystem": _tier(tier)} for tier in kept.tiers.values()],
    )


def _tier(tier: Tier) -> Manifest:
    if tier.empty_dir is not None:
        return {"emptyDir": {"size": tier.empty_dir.size}}
    if tier.existing_claim is not None:
        claim = tier.existing_claim
        return {"pvc": {"ref": given(name=claim.name, path=claim.path)}}
    assert tier.claim is not None
    spec = given(
        accessModes=list(tier.claim.access_modes),
        storageClassName=tier.claim.storage_class_name,
        resources={"requests": {"storage": tier.claim.size}},
    )
    return {"pvc": {"spec": spec}}
