"""C556: KV cache that goes beyond the accelerator has a place, and an engine that takes it there.

Sources: vLLM v0.26.0 (vllm/v1/kv_offload), SGLang v0.5.16 (srt/mem_cache), LMCache v0.5.6.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import kv_cache
from modelmill.catalogues import version_key
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.engine_container import kv_cache_env
from modelmill.engines import ENGINES
from modelmill.groups import group_of
from modelmill.quantities import amount, spelt
from modelmill.spec.kv_cache import KvCacheOffloading
from modelmill.spec.role import Role
from modelmill.variant import Variant

FIELD = "kvCacheOffloading"
# What each connector of an engine does not look at.
UNREAD = {
    ("vllm", "lmcache"): ("threads",),
    ("vllm", "mooncake"): ("blockSize", "evictionPolicy"),
    ("sglang", "native"): ("blockSize", "evictionPolicy", "threads"),
}
NATIVE_SINCE, TIERS_SINCE = "v0.11.0", "v0.22.0"
# Of an engine that keeps blocks in memory the rest needs some too.
MOST_OF_MEMORY = 0.8
DISK_SIZE = "lmcache.max_local_disk_size"
# Without prefixes in the accelerator's memory SGLang refuses a cache behind it, and its decode
# servers keep none unless they are told to (srt/server_args.py).
NO_PREFIXES, DECODE_PREFIXES = "disable-radix-cache", "disaggregation-decode-enable-radix-cache"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        kept, engine = kv_cache.offloading(variant, key), role.engine
        if kept is None or engine is None:
            continue
        known = ENGINES[engine.type].OFFLOADING
        if kept.connector not in known:
            yield _fault(
                variant,
                key,
                ("connector",),
                f"{engine.type} has no connector `{kept.connector}` for KV cache",
                f"it has {', '.join(f'`{each}`' for each in known)}",
            )
            continue
        yield from _complete(variant, key, role, kept)
        yield from _tiers(variant, key, role, kept)
        yield from _read(variant, key, role, kept)
        yield from _memory(variant, key, role)
        if engine.type == "vllm":
            yield from _of_vllm(variant, key, role, kept)
        elif engine.type == "sglang":
            yield from _of_sglang(variant, key, role)
        yield from _untold(variant, key, role)


def _fault(
    variant: Variant, key: str, path: tuple[str, ...], message: str, hint: str
) -> Diagnostic:
    return error("C556", message, variant.span_of("roles", key, FIELD, *path), hint)


def _complete(
    variant: Variant, key: str, role: Role, kept: KvCacheOffloading
) -> Iterable[Diagnostic]:
    assert role.engine is not None
    # SGLang takes a multiple of the accelerator's memory unless it is told.
    if not (kept.cpu and amount(kept.cpu)) and role.engine.type != "sglang":
        message = f"`{key}` keeps KV cache in the pod's memory, and nothing says how much"
        yield _fault(variant, key, (), message, "set `cpu`: 100Gi")
    elif role.engine.type == "sglang" and kept.cpu and amount(kept.cpu) < 10**9 * _ranks(role):
        message = f"SGLang takes whole gigabytes for each of {_ranks(role)} ranks: `cpu` is less"
        yield _fault(variant, key, ("cpu",), message, f"set `cpu` to {_ranks(role)}G or more")
    store = kept.mooncake
    if kept.connector == "mooncake" and not (store and store.master_server_address):
        message = "nothing says where the Mooncake store is"
        yield _fault(variant, key, (), message, "set `mooncake: {masterServerAddress: HOST:PORT}`")
    elif kept.connector != "mooncake" and kept.mooncake is not None:
        message = f"`mooncake` means nothing to the connector `{kept.connector}`"
        yield _fault(variant, key, ("mooncake",), message, "set `connector: mooncake`")
    if kept.connector == "lmcache" and kept.eviction_policy == "arc":
        message = "LMCache has no eviction policy `arc`"
        yield _fault(variant, key, ("evictionPolicy",), message, "leave it out")


def _ranks(role: Role) -> int:
    return kv_cache.ranks_in_pod(role)


def _tiers(variant: Variant, key: str, role: Role, kept: KvCacheOffloading) -> Iterable[Diagnostic]:
    assert role.engine is not None
    most = ENGINES[role.engine.type].OFFLOADING[kept.connector]
    for at, (name, tier) in enumerate(kept.tiers.items()):
        if not (tier.empty_dir or tier.claim or tier.existing_claim):
            message = f"the tier `{name}` has no place"
            hint = "set `emptyDir`, `claim` or `existingClaim`"
            yield _fault(variant, key, ("tiers", name), message, hint)
        elif tier.claim and not tier.claim.access_modes:
            message, place = "the claim has no access mode", ("tiers", name, "claim", "accessModes")
            yield _fault(variant, key, place, message, "leave it out")
        elif tier.existing_claim and not _is_below(tier.existing_claim.path):
            message = f"`{tier.existing_claim.path}` is no folder of a claim"
            place = ("tiers", name, "existingClaim", "path")
            yield _fault(
                variant, key, place, message, "a path without `/` before it and `..` in it"
            )
        elif at == most:
            places = f"{most} file system" if most else "no file system"
            message = f"the connector `{kept.connector}` of {role.engine.type} takes {places}"
            yield _fault(variant, key, ("tiers", name), message, "leave this one out")
        sized = DISK_SIZE in kept.config or not tier.existing_claim
        if kept.connector == "lmcache" and not sized:
            message = f"LMCache keeps nothing in `{name}`: it is not told how much"
            hint = f"set `config: {{{DISK_SIZE}: 500}}`, gigabytes of each rank"
            yield _fault(variant, key, ("tiers", name), message, hint)


def _is_below(path: str | None) -> bool:
    """Whether a path stays in the volume it is of, as a mount's subPath must."""
    return path is None or not (path.startswith("/") or ".." in path.split("/"))


def _read(variant: Variant, key: str, role: Role, kept: KvCacheOffloading) -> Iterable[Diagnostic]:
    """What is written is read by someone."""
    assert role.engine is not None
    unread = UNREAD.get((role.engine.type, kept.connector), ())
    written: dict[str, tuple[str, ...]] = {}
    if kept.block_size is not None:
        written["blockSize"] = ("blockSize",)
    if kept.eviction_policy is not None:
        written["evictionPolicy"] = ("evictionPolicy",)
    for name, tier in kept.tiers.items():
        if tier.threads is not None:
            written["threads"] = ("tiers", name, "threads")
    for name, path in written.items():
        if name in unread:
            message = f"the connector `{kept.connector}` of {role.engine.type} has no `{name}`"
            yield _fault(variant, key, path, message, "leave it out")


def _memory(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Blocks are part of the container's memory, and it is killed at its limit: that of a role, or
    of its workers where they have their own."""
    taken, worker = kv_cache.memory(role), role.worker
    asked = {"resources": role.resources, "worker.resources": worker.resources if worker else None}
    for field, resources in asked.items():
        limit = resources.limits.get("memory") if resources is not None else None
        if taken is not None and limit is not None:
            yield from _limited(variant, key, taken, limit, field)


def _limited(
    variant: Variant, key: str, taken: int, limit: str, field: str
) -> Iterable[Diagnostic]:
    span, whole = variant.span_of("roles", key, FIELD, "cpu"), amount(limit)
    who = f"`{key}` keeps" if field == "resources" else f"workers of `{key}` keep"
    says = f"{who} {spelt(taken)} of KV cache in memory"
    its = "its" if field == "resources" else "their"
    if taken >= whole:
        hint = f"set the memory limit of `{field}` well above {spelt(taken)}"
        yield error("C556", f"{says}, and {its} limit is {limit}", span, hint)
    elif taken > whole * MOST_OF_MEMORY:
        message = f"{says}, which leaves {spelt(whole - taken)} of {its} limit to all else"
        yield warning("C556", message, span, "an engine needs tens of GiB beside: raise the limit")


def _of_vllm(
    variant: Variant, key: str, role: Role, kept: KvCacheOffloading
) -> Iterable[Diagnostic]:
    if kept.connector != "native":
        return
    yield from _release(variant, key, role, kept)
    accelerator, block = role.accelerator, kv_cache.block_size(variant, key)
    if accelerator is not None and accelerator.resource in (None, "google.com/tpu"):
        message = f"vLLM's own connector keeps no KV cache of {accelerator.name}"
        hint = "it works on NVIDIA, AMD and Intel GPUs; another `connector` may on others"
        yield _fault(variant, key, (), message, hint)
    if kept.block_size is not None and block is not None and kept.block_size % block:
        message = f"blocks of {kept.block_size} tokens are no multiple of the engine's {block}"
        yield _fault(variant, key, ("blockSize",), message, f"set a multiple of {block}")
    if kept.tiers and group_of(role).nodes > 1:
        message = f"a rank of `{key}` takes {group_of(role).nodes} pods, whose memory the process "
        message += "that writes files does not see"
        yield _fault(variant, key, ("tiers",), message, "leave out `tiers`")
    elif kept.tiers and kept.cpu is not None:
        yield from _shared_memory(variant, key, role, kept.cpu)


def _of_sglang(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    engine = role.engine
    if engine is None or engine.argv is not None:
        return
    args = {name.replace("_", "-"): value for name, value in engine.args.items()}
    decodes = role.kv_transfer is not None and variant.role_type(key) == "decode"
    if decodes and args.get(DECODE_PREFIXES) is not True:
        message = f"`{key}` only decodes: SGLang keeps no prefixes there, and does not start"
        hint = f"set `{FIELD}: null` in `{key}`, or `{DECODE_PREFIXES}: true` in its `engine.args`"
        yield _fault(variant, key, (), message, hint)
    elif args.get(NO_PREFIXES) is True:
        message = f"`{key}` keeps no prefixes: SGLang does not start with both"
        yield _fault(variant, key, (), message, f"leave out `{NO_PREFIXES}`, or `{FIELD}`")


def _release(
    variant: Variant, key: str, role: Role, kept: KvCacheOffloading
) -> Iterable[Diagnostic]:
    version = role.engine.version if role.engine is not None else None
    since = TIERS_SINCE if kept.tiers else NATIVE_SINCE
    if version is not None and version_key(version) < version_key(since):
        what = "file systems for KV cache" if kept.tiers else "a connector of its own"
        path = ("tiers",) if kept.tiers else ()
        message = f"vLLM has {what} since {since}, and `{key}` runs {version}"
        yield _fault(variant, key, path, message, "use a later release")


def _shared_memory(variant: Variant, key: str, role: Role, cpu: str) -> Iterable[Diagnostic]:
    """With file systems behind it the memory is a file in /dev/shm, which all ranks map
    (vllm/v1/kv_offload/cpu/shared_offload_region.py)."""
    if role.shared_memory is not None and amount(role.shared_memory) >= amount(cpu):
        return
    holds = role.shared_memory or "64Mi"
    message = f"with `tiers` the {cpu} of `cpu` are in /dev/shm, which holds {holds}"
    hint = f"set `sharedMemory` to {cpu} and what is needed beside"
    yield _fault(variant, key, ("cpu",), message, hint)


def _untold(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    assert role.engine is not None
    place = ("roles", key, FIELD)
    if role.engine.argv is not None or role.engine.type == "custom":
        message = f"`{key}` is told its arguments word for word, so not of `{FIELD}`"
        hint = "name its connector in its `argv`; its volumes are mounted"
        yield warning("C556", message, variant.key_span_of(*place), hint)
    if variant.is_bare(key):
        for name, value in kv_cache_env(variant, key).items():
            if name not in role.engine.env:
                message = f"`{key}` has `defaults: none`, so nothing sets {name}"
                said = (
                    f"{name}: {value}" if isinstance(value, str) else "it to the field status.podIP"
                )
                span = variant.key_span_of(*place)
                yield error("C556", message, span, f"set {said} in `engine.env`")
