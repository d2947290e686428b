"""Which pods a change replaces, why, and what their replacement takes.

In: objects before and after, and the sizes of the roles behind them. Out: Restarts. Sources:
Deployments roll when `spec.template` differs; LeaderWorkerSets when their templates or network do
(kubernetes-sigs/lws, pkg/utils/revision); ReplicaSets replace no pod that runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.dangers.finding import at, number
from modelmill.manifest_diff import Change, ObjectChange, by_identity
from modelmill.names import COMPONENT, CONFIG_HASH
from modelmill.resource import Resource
from modelmill.sizes import RoleSize
from modelmill.tuples import NamedTuple

PICKER = "epp"
ROLLED: Mapping[str, tuple[str, ...]] = {
    "DaemonSet": ("spec.template",),
    "Deployment": ("spec.template",),
    "LLMInferenceService": ("spec",),
    "LeaderWorkerSet": ("spec.leaderWorkerTemplate", "spec.networkConfig"),
    "StatefulSet": ("spec.template",),
}
"""Kinds whose controller replaces pods, and the fields whose change makes it."""
NOT_ROLLED = ("spec.replicas", "spec.scaling", "spec.prefill.replicas", "spec.prefill.scaling")
"""Fields of an LLMInferenceService that change how many pods there are."""
HASH = f'metadata.annotations["{CONFIG_HASH}"]'


class Restart(NamedTuple):
    """Pods that are replaced.

    reasons       fields of their template that changed, or ConfigMaps they read at start
    pods          of all replicas; of the least, where they are scaled; 0 where nothing tells
    accelerators  those pods hold, of `resource`
    unavailable   pods that may be gone at one time
    surge         accelerators needed beside those held, to start pods before old ones stop
    note          what else the replacement of these pods does
    """

    kind: str
    name: str
    reasons: tuple[str, ...]
    pods: int
    accelerators: int
    resource: str
    unavailable: int
    surge: int
    note: str = ""


def restarts(
    before: Sequence[Resource],
    after: Sequence[Resource],
    changes: Sequence[ObjectChange],
    sizes: Sequence[RoleSize],
) -> Iterator[Restart]:
    """Of workloads on both sides, in order of the newer."""
    maps, changed = _changed_maps(before, after), _by_name(changes)
    for resource in _kept(before, after):
        reasons = _reasons(resource, changed, maps)
        if reasons:
            yield _restart(resource, reasons, sizes)


def unread(
    before: Sequence[Resource], after: Sequence[Resource], changes: Sequence[ObjectChange]
) -> Iterator[tuple[str, Resource]]:
    """ConfigMaps that changed, with each workload that reads them and is not replaced for it."""
    maps, changed = _changed_maps(before, after), _by_name(changes)
    for resource in _kept(before, after) if maps else ():
        if not _reasons(resource, changed, maps):
            yield from ((name, resource) for name in _read(at(resource.body, "spec"), maps))


def _kept(before: Sequence[Resource], after: Sequence[Resource]) -> Iterator[Resource]:
    """Workloads on both sides, as they will be."""
    old = by_identity(before)
    found = by_identity(after).items()
    yield from (each for key, each in found if key in old and each.kind in ROLLED)


def _by_name(changes: Sequence[ObjectChange]) -> Mapping[tuple[str, str], ObjectChange]:
    return {(each.kind, each.name): each for each in changes}


def _changed_maps(before: Sequence[Resource], after: Sequence[Resource]) -> frozenset[str]:
    old, new = (
        {each.name: each.body.get("data") for each in side if each.kind == "ConfigMap"}
        for side in (before, after)
    )
    return frozenset(name for name in old.keys() & new.keys() if old[name] != new[name])


def _reasons(
    resource: Resource, changed: Mapping[tuple[str, str], ObjectChange], maps: frozenset[str]
) -> tuple[str, ...]:
    """What changed of the template; a digest of a configuration as the configuration."""
    mine = changed.get((resource.kind, resource.name))
    paths = [each.path for each in mine.changes if _is_rolled(resource.kind, each)] if mine else []
    told = dict.fromkeys(path for path in paths if not path.endswith(HASH))
    if any(path.endswith(HASH) for path in paths):
        read = _read(at(resource.body, "spec"), maps)
        told.update(dict.fromkeys([f"ConfigMap {name}" for name in read] or [HASH]))
    return tuple(told)


def _is_rolled(kind: str, change: Change) -> bool:
    is_below = any(_below(change.path, field) for field in ROLLED[kind])
    return is_below and not any(_below(change.path, field) for field in NOT_ROLLED)


def _below(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))


def _read(value: Any, maps: frozenset[str]) -> list[str]:
    """Names of ConfigMaps that volumes and variables of a pod template take."""
    found: dict[str, None] = {}
    if isinstance(value, dict):
        for key, child in value.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef"):
                name = at(child, "name")
                found.update({name: None} if name in maps else {})
            else:
                found.update(dict.fromkeys(_read(child, maps)))
    elif isinstance(value, list):
        for child in value:
            found.update(dict.fromkeys(_read(child, maps)))
    return list(found)


def _restart(resource: Resource, reasons: tuple[str, ...], sizes: Sequence[RoleSize]) -> Restart:
    if resource.kind == "LLMInferenceService":
        mine: Sequence[RoleSize] = sizes
    else:
        mine = [each for each in sizes if each.workload == resource.name]
    is_picker = not mine and at(resource.body, "metadata", "labels", COMPONENT) == PICKER
    written = number(at(resource.body, "spec", "replicas"))
    replicas = sum(each.replicas for each in mine) if mine else 1 if written is None else written
    pods = sum(each.replicas * each.pods for each in mine) if mine else replicas
    if resource.kind == "DaemonSet":
        pods = replicas = 0
    held = sum(each.replicas * each.gpus for each in mine if each.resource)
    unavailable, surge = _rollout(resource, replicas)
    each_pods, each_held = (pods // replicas, held // replicas) if replicas else (1, 0)
    names = dict.fromkeys(each.resource for each in mine if each.resource)
    note = "routing pauses while it starts" if is_picker and replicas == 1 else ""
    return Restart(
        resource.kind,
        resource.name,
        reasons,
        pods,
        held,
        " and ".join(filter(None, names)),
        unavailable * each_pods,
        surge * each_held,
        note,
    )


def _rollout(resource: Resource, replicas: int) -> tuple[int, int]:
    """Replicas that may be gone at a time, and those that may be there beyond their number."""
    spec = at(resource.body, "spec")
    if resource.kind == "LeaderWorkerSet":
        limits = at(spec, "rolloutStrategy", "rollingUpdateConfiguration")
        return _share(at(limits, "maxUnavailable"), replicas, 1), _share(
            at(limits, "maxSurge"), replicas, 0, up=True
        )
    if resource.kind == "Deployment" and at(spec, "strategy", "type") == "Recreate":
        return replicas, 0
    if resource.kind == "Deployment":
        limits = at(spec, "strategy", "rollingUpdate")
        gone = _share(at(limits, "maxUnavailable"), replicas, "25%")
        return gone, _share(at(limits, "maxSurge"), replicas, "25%", up=True)
    return min(replicas, 1), 0


def _share(value: Any, replicas: int, default: int | str, *, up: bool = False) -> int:
    """A count, or a percentage of replicas: rounded up for a surge, down for what may be gone
    (k8s.io/apimachinery/pkg/util/intstr)."""
    given = default if value is None else value
    if isinstance(given, str) and given.endswith("%") and given[:-1].isdecimal():
        whole = replicas * int(given[:-1])
        given = -(-whole // 100) if up else whole // 100
    return min(given, replicas) if isinstance(given, int) else 0
