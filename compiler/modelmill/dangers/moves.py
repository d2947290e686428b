"""Objects that go in one place and come in another: renamed, or taken over by another model.

A controller prunes by the name and by who applied an object. One that is renamed is deleted and
made anew; one that another Application or Kustomization applies from now on is deleted by the first
and made again by the second, in whatever order they happen to sync.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelmill.dangers.finding import Danger, at, listed, quoted
from modelmill.manifest_diff import by_identity
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

Identity = tuple[str, ...]
WORKLOADS = frozenset({"Deployment", "LLMInferenceService", "LeaderWorkerSet", "ReplicaSet"})
LASTING = frozenset({"PersistentVolumeClaim", "StatefulSet"})
KEEP = "keep the old name, or add the new one first and delete the old one when it serves"

STOPPED = "merge it when the pods that are left are enough"
GAP = "is deleted while this one starts: a gap, and what both need is needed twice"


class Moved(NamedTuple):
    """An object that goes or comes. `likeness` is equal for what does the same under two names."""

    identity: Identity
    kind: str
    name: str
    likeness: str


class Traffic(NamedTuple):
    """Of one model in one environment: what goes, what comes."""

    model: str
    environment: str
    gone: tuple[Moved, ...]
    came: tuple[Moved, ...]


def moved(
    model: str, environment: str, before: Sequence[Resource], after: Sequence[Resource]
) -> Traffic:
    old, new = by_identity(before), by_identity(after)
    gone = tuple(_moved(key, old[key]) for key in old if key not in new)
    came = tuple(_moved(key, new[key]) for key in new if key not in old)
    return Traffic(model, environment, gone, came)


def judge(everything: Iterable[Traffic]) -> Mapping[tuple[str, str], tuple[Danger, ...]]:
    """Dangers by the model and environment that objects come to."""
    environments: dict[str, list[Traffic]] = {}
    for each in everything:
        environments.setdefault(each.environment, []).append(each)
    return {
        (taker.model, environment): tuple(dict.fromkeys(_dangers(taker, traffic)))
        for environment, traffic in environments.items()
        for taker in traffic
        if taker.came
    }


def gone_workloads(traffic: Traffic) -> Iterator[Danger]:
    """Of a model that stays: workloads that it no longer has, or has as another kind."""
    alike = {gone for gone, _ in _alike(traffic, traffic)}
    for gone in (each for each in traffic.gone if each.kind in WORKLOADS and each not in alike):
        now = [each for each in traffic.came if each.kind in WORKLOADS and each.name == gone.name]
        if now:
            message = f"it was a {gone.kind}, which {GAP}"
            yield Danger("danger", "renamed", now[0].kind, gone.name, "", message, KEEP)
        else:
            message = "it is deleted: its pods stop"
            yield Danger("danger", "workload-deleted", gone.kind, gone.name, "", message, STOPPED)


def _dangers(taker: Traffic, traffic: Sequence[Traffic]) -> Iterator[Danger]:
    for giver in traffic:
        gone = {each.identity for each in giver.gone}
        alike = _alike(giver, taker)
        is_renamed = any(came.kind in WORKLOADS for _, came in alike)
        if giver.model == taker.model or not is_renamed:
            mine = [pair for pair in alike if giver.model == taker.model]
        else:
            yield _renamed_model(giver.model, taker.model)
            mine = [pair for pair in alike if pair[1].kind in LASTING]
        yield from (_renamed(*pair) for pair in mine)
        for came in taker.came:
            if came.identity in gone and giver.model != taker.model:
                yield _taken_over(came, giver.model)


def _alike(giver: Traffic, taker: Traffic) -> list[tuple[Moved, Moved]]:
    """Each object that comes with one that goes and does the same."""
    former = {(each.kind, each.likeness): each for each in reversed(giver.gone) if each.likeness}
    pairs = [(former.get((came.kind, came.likeness)), came) for came in taker.came]
    return [(gone, came) for gone, came in pairs if gone and gone.identity != came.identity]


def _taken_over(came: Moved, former: str) -> Danger:
    whose = quoted(former) if former else "the environment itself"
    message = f"it was of {whose}: one controller deletes it, another makes it, in any order"
    hint = "keep it from pruning for one sync: Prune=false, or prune: disabled"
    return Danger("danger", "re-owned", came.kind, came.name, "", message, hint)


def _renamed(gone: Moved, came: Moved) -> Danger:
    rest = GAP if came.kind in WORKLOADS else "is deleted, and this one starts without its data"
    message = f"renamed: {quoted(gone.name)} {rest}"
    return Danger("danger", "renamed", came.kind, came.name, "", message, KEEP)


def _renamed_model(former: str, model: str) -> Danger:
    message = (
        f"it is {quoted(former)} under another name: that is deleted while this one starts, so "
        "requests fail until it serves, and accelerators are needed twice"
    )
    return Danger("danger", "renamed", "Model", model, "", message, KEEP)


def _moved(identity: Identity, resource: Resource) -> Moved:
    return Moved(identity, resource.kind, resource.name, _likeness(resource))


def _likeness(resource: Resource) -> str:
    """Of what an object does; nothing for kinds whose name is no matter."""
    if resource.kind in WORKLOADS:
        does: Any = [_what_runs(each) for each in _templates(resource.body)]
    elif resource.kind in LASTING:
        does = at(resource.body, "spec")
    else:
        return ""
    return hashlib.sha256(json.dumps(does, sort_keys=True).encode()).hexdigest()


def _templates(body: Any) -> list[Any]:
    group = at(body, "spec", "leaderWorkerTemplate")
    places = (at(body, "spec"), group)
    names = ("template", "leaderTemplate", "workerTemplate", "worker")
    return [each for place in places for name in names if (each := at(place, name)) is not None]


def _what_runs(template: Any) -> list[Any]:
    """Images, arguments and devices; labels, probes and the like may change with a name."""
    spec = at(template, "spec") or template
    return [
        [at(each, field) for field in ("image", "command", "args", "resources")]
        for each in listed(at(spec, "containers"))
    ]
