"""C530, C534: a replica divides into its pods, and a group of pods is told what it can do.

What a LeaderWorkerSet takes: kubernetes-sigs/lws v0.10, pkg/webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.groups import SIMULATOR, accelerators_in_rank, group_of, size_of, workers_serve
from modelmill.regexes import regex
from modelmill.spec.engine import Parallelism
from modelmill.spec.role import Role
from modelmill.spec.worker import SubGroup, Worker
from modelmill.variant import Variant

READS = "accelerator engine.argv engine.type name parallelism replicas strategy type worker"
HANDLERS = ("http_get", "exec", "tcp_socket", "grpc")
# A StatefulSet puts its name and a hash of ten characters into a label of 63.
NAME_LIMIT = 52
_is_label = regex(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        yield from _divides(variant, key, role)
        if role.worker is None:
            yield from _without_groups(variant, key, role)
        else:
            yield from _can_start(variant, key, role, role.worker)
            yield from _is_replaced(variant, key, role)
            yield from _has_subgroups(variant, key, role, role.worker)
            yield from _is_probed(variant, key, role, role.worker)
            yield from _has_a_name(variant, key, role)


def _divides(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """C530: whole ranks to a pod, or whole pods to a rank."""
    sizes, worker = role.parallelism or Parallelism(), role.worker
    place = ("roles", key, "parallelism")
    local, data, group = sizes.data_local, sizes.data, group_of(role)
    if worker is None:
        if local is not None and data is not None and local != data:
            yield error(
                "C530",
                f"`{key}` has {data} data parallel ranks, {local} of them in its one pod",
                variant.span_of(*place, "dataLocal"),
                "set `worker: {}` for pods with the others, or leave `dataLocal` out",
                [Note(f"data parallel size {data}", variant.span_of(*place, "data"))],
            )
        return
    if size_of(role) is None:
        if role.engine is not None and role.engine.type != SIMULATOR:
            yield error(
                "C530",
                f"how many pods a replica of `{key}` has does not follow from anything",
                variant.key_span_of("roles", key, "worker"),
                "set `worker.size`, `parallelism.dataLocal`, or `accelerator.perNode`",
            )
    elif local is not None and group.data != local * group.size:
        yield error(
            "C530",
            f"`{key}` has {group.data} data parallel ranks, and {group.size} pods with {local} "
            f"each have {local * group.size}",
            variant.span_of(*place, "dataLocal"),
            "data is dataLocal × the pods of a replica; one of the three may be left out",
            _sources(variant, key, role),
        )
    elif local is None and not _fills_nodes(role):
        yield error(
            "C530",
            f"a replica of `{key}` needs {accelerators_in_rank(role) * group.data} accelerators, "
            "which fill no number of nodes",
            variant.span_of(*place),
            "set `worker.size` for pods that take a part of a node, or change the parallelism",
            _sources(variant, key, role),
        )
    elif local is None and not _fits(role) and not _is_unknown(role):
        yield error(
            "C530",
            f"{_parts(role)} of `{key}` do not divide into {group.size} pods",
            variant.span_of(*place),
            "a pod holds whole data parallel ranks, or a rank takes whole pods",
            _sources(variant, key, role),
        )


def _fills_nodes(role: Role) -> bool:
    """Whether a replica of more than one node takes whole ones, where their number follows so."""
    per_node = role.accelerator.per_node if role.accelerator else None
    given = role.worker is not None and role.worker.size is not None
    group = group_of(role)
    if given or per_node is None or group.size == 1:
        return True
    return accelerators_in_rank(role) * group.data % per_node == 0


def _fits(role: Role) -> bool:
    """Whether ranks or, where a rank takes several pods, its accelerators divide into the pods."""
    group, in_rank = group_of(role), accelerators_in_rank(role)
    if group.size <= group.data:
        return group.data % group.size == 0
    return group.size % group.data == 0 and in_rank * group.data % group.size == 0


def _is_unknown(role: Role) -> bool:
    """Whether nothing is said of what the role's own command line does with its pods."""
    engine = role.engine
    opaque = engine is not None and (engine.argv is not None or engine.type == "custom")
    return opaque and role.parallelism is None


def _parts(role: Role) -> str:
    group, in_rank = group_of(role), accelerators_in_rank(role)
    if group.data == 1:
        return f"the {in_rank} accelerators"
    return f"the {group.data} data parallel ranks with {in_rank} accelerators each"


def _sources(variant: Variant, key: str, role: Role) -> list[Note]:
    """Where the number of pods comes from."""
    size = group_of(role).size
    if role.worker is not None and role.worker.size is not None:
        return [Note(f"{size} pods", variant.span_of("roles", key, "worker", "size"))]
    if role.parallelism is not None and role.parallelism.data_local is not None:
        return [Note("data parallel size", variant.span_of("roles", key, "parallelism", "data"))]
    place = ("roles", key, "accelerator", "perNode")
    per_node = role.accelerator.per_node if role.accelerator else None
    return [Note(f"a node has {per_node}", variant.span_of(*place))]


def _without_groups(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    if role.strategy is not None and role.strategy.partition is not None:
        yield error(
            "C534",
            f"`{key}` has a partition, and no groups of pods to count",
            variant.key_span_of("roles", key, "strategy", "partition"),
            "leave it out: only a role with `worker` has one",
        )


def _can_start(variant: Variant, key: str, role: Role, worker: Worker) -> Iterable[Diagnostic]:
    engine = role.engine
    waits = worker.startup_policy == "LeaderReady" and group_of(role).size > 1
    if waits and engine is not None and engine.type in ("vllm", "sglang") and engine.argv is None:
        yield error(
            "C534",
            f"workers of `{key}` start once their leader is ready, which waits for their ranks",
            variant.span_of("roles", key, "worker", "startupPolicy"),
            "leave `startupPolicy` out, or set LeaderCreated",
        )


def _is_replaced(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    strategy = role.strategy
    if strategy is None:
        return
    if strategy.type == "Recreate":
        yield error(
            "C534",
            f"groups of `{key}` are replaced one after another, never all at once",
            variant.span_of("roles", key, "strategy", "type"),
            "leave `type` out; `maxUnavailable: 100%` takes all groups at once",
        )
    none_spare = strategy.max_surge in (None, "0", "0%")
    if none_spare and strategy.max_unavailable in ("0", "0%"):
        yield error(
            "C534",
            f"no group of `{key}` may stop, and none may be started beside it",
            variant.span_of("roles", key, "strategy", "maxUnavailable"),
            "raise `maxUnavailable`, or `maxSurge` where there are accelerators to spare",
        )


def _has_subgroups(variant: Variant, key: str, role: Role, worker: Worker) -> Iterable[Diagnostic]:
    parts, size = worker.sub_group, group_of(role).size
    if parts is None:
        if worker.sub_group_exclusive_topology is not None:
            yield error(
                "C534",
                f"`{key}` places its subgroups, and has none",
                variant.key_span_of("roles", key, "worker", "subGroupExclusiveTopology"),
                "set `worker.subGroup.size`",
            )
    elif not _splits(parts, size):
        rest = f"the {size - 1} workers" if parts.type == "LeaderExcluded" else f"{size} pods"
        yield error(
            "C534",
            f"{rest} of `{key}` do not divide into subgroups of {parts.size}",
            variant.span_of("roles", key, "worker", "subGroup", "size"),
            "choose a divisor; of all pods, or of the workers alone",
        )


def _splits(parts: SubGroup, size: int) -> bool:
    if parts.size > size:
        return False
    whole = parts.type != "LeaderExcluded" and size % parts.size == 0
    return whole or (size - 1) % parts.size == 0


def _is_probed(variant: Variant, key: str, role: Role, worker: Worker) -> Iterable[Diagnostic]:
    if worker.probes is None or workers_serve(role):
        return
    for name in ("startup", "readiness", "liveness"):
        probe = getattr(worker.probes, name)
        if probe is not None and not any(getattr(probe, h) is not None for h in HANDLERS):
            yield error(
                "C534",
                f"workers of `{key}` take no requests, so that nothing answers this probe",
                variant.key_span_of("roles", key, "worker", "probes", name),
                "say what it asks: `exec`, `tcpSocket`, `httpGet` or `grpc`",
            )


def _has_a_name(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    name = variant.workload_name(key)
    limit = NAME_LIMIT - len(f"-{max(role.replicas - 1, 0)}")
    place = ("roles", key, "name") if role.name else ("roles", key)
    if len(name) > limit:
        yield error(
            "C534",
            f"the LeaderWorkerSet `{name}` has a name of {len(name)} characters, and its pods' "
            f"labels leave {limit}",
            variant.key_span_of(*place),
            f"shorten the model's name, or set `roles.{key}.name`",
        )
    elif not _is_label.fullmatch(name):
        yield error(
            "C534",
            f"the LeaderWorkerSet `{name}` cannot have its name: it is a Service's too, of small "
            "letters, digits and `-`, a letter first",
            variant.key_span_of(*place),
            f"set `roles.{key}.name`",
        )
