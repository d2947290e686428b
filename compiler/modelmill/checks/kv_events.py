"""C557, C573: a picker hears what engines tell of their KV cache, and pods hash blocks alike.

Sources: vLLM v0.26.0 (vllm/distributed/kv_events.py), llm-d guides/precise-prefix-cache-routing and
guides/wide-ep-lws; the picker asks each endpoint at `port` and the number of its rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill import kv_cache
from modelmill.diagnostics import Diagnostic, Note, error, warning
from modelmill.engine_container import kv_cache_env
from modelmill.engines import ENGINES, Events
from modelmill.groups import group_of, load_balancing
from modelmill.pod_ports import first_shared, ports_from, used_ports
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = (
    "accelerator defaults engine.args engine.argv engine.env engine.type kv_cache_offloading "
    "kv_events kv_transfer parallelism routing.port routing.scheduler.config routing.sidecar "
    "type worker"
)
FIELD = "kvEvents"
# Flags that turn the prefix cache off, with their value.
WITHOUT_PREFIXES = {
    "vllm": ("enable-prefix-caching", False),
    "sglang": ("disable-radix-cache", True),
}
LARGEST_PORT = 65535
# What PYTHONHASHSEED may be beside `random` (docs.python.org, using/cmdline).
LARGEST_SEED = 4294967295


def check(variant: Variant) -> Iterable[Diagnostic]:
    heard, told = {}, set[tuple[str, str, int]]()
    for key, role in variant.roles.items():
        events, engine = kv_cache.events(variant, key), role.engine
        if events is None or engine is None:
            continue
        heard[key] = events
        if ENGINES[engine.type].HAS_EVENTS:
            yield from _told(variant, key, role)
            yield from _cached(variant, key, role)
            yield from _ports(variant, key, role, events, told)
            yield from _ranks(variant, key, role)
    yield from _alike(variant, heard)
    yield from _seeds(variant)
    if heard and variant.scheduler is None:
        key = next(iter(heard))
        message = f"`{key}` tells of its KV cache, and there is no endpoint picker to hear it"
        hint = "extend a routing profile that picks by a precise prefix, or take it out"
        yield warning("C557", message, variant.key_span_of("roles", key, FIELD), hint)


def _told(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    engine, span = role.engine, variant.key_span_of("roles", key, FIELD)
    assert engine is not None
    if engine.argv is not None or engine.type == "custom":
        message = f"`{key}` is told its arguments word for word, so not of `{FIELD}`"
        yield warning("C557", message, span, "name port and topic in its `argv`")
    elif kv_cache.said_block_size(role) is None:
        flag, size = ENGINES[engine.type].BLOCK_SIZE_FLAG, kv_cache.block_size(variant, key)
        message = f"`{key}` does not say how many tokens a block has; {engine.type} may choose "
        message += f"another number than {size}, by which the picker goes"
        yield warning("C557", message, span, f"set `{flag}` in `engine.args`: 64")
    if variant.is_bare(key) and role.kv_cache_offloading is None:
        for name, value in kv_cache_env(variant, key).items():
            if name not in engine.env:
                message = f"`{key}` has `defaults: none`, so nothing sets {name}"
                said = (
                    f"{name}: {value}" if isinstance(value, str) else "it to the field status.podIP"
                )
                yield error("C557", message, span, f"set {said} in `engine.env`")


def _cached(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    assert role.engine is not None
    flag, off = WITHOUT_PREFIXES.get(role.engine.type, ("", None))
    if flag in role.engine.args and role.engine.args[flag] is off:
        span = variant.key_span_of("roles", key, "engine", "args", flag)
        message = f"`{key}` keeps no prefixes, so that there is nothing to tell of"
        yield error("C557", message, span, f"leave out `{flag}`, or `{FIELD}`")


def _ports(
    variant: Variant, key: str, role: Role, events: Events, told: set[tuple[str, str, int]]
) -> Iterable[Diagnostic]:
    """Each rank of a pod has a port of its own, after that of the rank before. `told`: what was
    said of another role, which hears at the same ports."""
    ranks, others = group_of(role).ranks, used_ports(variant, key)
    taken = {
        "port": ports_from(events.port, ranks),
        "replayPort": ports_from(events.replay_port, ranks),
    }
    for name, ports in taken.items():
        fault = _first_fault(ports, others)
        if fault is not None and (name, *fault) not in told:
            told.add((name, *fault))
            yield _misplaced(variant, key, name, *fault, ranks)
        if fault is not None and role.kv_events and not role.kv_events.replay_port:
            # The other port follows from this one.
            return
        others[f"for `{name}`"] = ports


def _first_fault(ports: range, others: Mapping[str, range]) -> tuple[str, int] | None:
    """What the first of the ports that cannot be had is, and its number."""
    past = ("past the last one", LARGEST_PORT + 1) if ports[-1] > LARGEST_PORT else None
    return first_shared(ports, others) or past


def _misplaced(
    variant: Variant, key: str, name: str, what: str, port: int, ranks: int
) -> Diagnostic:
    many = f", one for each of {ranks} ranks," if ranks > 1 else ""
    return error(
        "C557",
        f"`{name}` of `{key}`{many} takes port {port}, which is {what}",
        variant.span_of("roles", key, FIELD, name),
        f"set `{FIELD}.{name}` to another port" + (f": {ranks} from it must be free" * (ranks > 1)),
    )


def _ranks(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    group, balancing = group_of(role), load_balancing(role)
    behind = {"external": 1, "hybrid": group.ranks, "internal": group.data}[balancing]
    if behind > 1:
        yield warning(
            "C557",
            f"`{key}` has {behind} ranks behind one port: the picker hears of the first one",
            variant.key_span_of("roles", key, FIELD),
            "give each rank a port: `parallelism.loadBalancing: external`",
        )


def _alike(variant: Variant, heard: dict[str, Events]) -> Iterable[Diagnostic]:
    """A picker looks for all pods of its pool at the same ports and topic."""
    first, *others = heard or [""]
    for key in others:
        for name in ("port", "replay_port", "topic"):
            if getattr(heard[key], name) != getattr(heard[first], name):
                field = {"replay_port": "replayPort"}.get(name, name)
                yield error(
                    "C557",
                    f"`{field}` of `{key}` is not that of `{first}`, and one picker hears both",
                    variant.span_of("roles", key, FIELD, field),
                    f"set `{FIELD}` once, for all roles",
                    [Note(f"`{first}` is here", variant.span_of("roles", first, FIELD))],
                )
                break


def _seeds(variant: Variant) -> Iterable[Diagnostic]:
    if not any(kv_cache.agrees(variant, key) for key in variant.roles):
        return
    found = {key: kv_cache.given_seed(role) for key, role in variant.roles.items()}
    given = {key: seed for key, seed in found.items() if seed is not None}
    place = ("engine", "env", kv_cache.HASH_SEED)
    for key, seed in given.items():
        if not (seed.isascii() and seed.isdigit() and int(seed) <= LARGEST_SEED):
            message = f"`{seed}` is no seed that pods could share"
            span = variant.span_of("roles", key, *place)
            yield error(
                "C573", message, span, f"a number from 0 to {LARGEST_SEED}, or leave it out"
            )
            return
    first, *others = given or [""]
    for key in others:
        if given[key] != given[first]:
            yield error(
                "C573",
                f"`{key}` and `{first}` hash blocks with different seeds, and share them",
                variant.span_of("roles", key, *place),
                f"set {kv_cache.HASH_SEED} once, for all roles; left out it is derived",
                [Note(f"`{first}` is here", variant.span_of("roles", first, *place))],
            )
    for key, role in variant.roles.items():
        said = role.worker.env.get(kv_cache.HASH_SEED) if role.worker is not None else None
        if said is not None and str(said) != kv_cache.hash_seed(variant, key):
            message = f"workers of `{key}` hash blocks with another seed than their leader"
            span = variant.span_of("roles", key, "worker", "env", kv_cache.HASH_SEED)
            hint = f"leave it out: what {kv_cache.HASH_SEED} is in `engine.env` holds for them too"
            yield error("C573", message, span, hint)
