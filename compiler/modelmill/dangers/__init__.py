"""What a reviewer must know of a change beyond its lines: syncs that fail, data or traffic lost.

In: the objects of one model in one environment, or those an environment owns itself, before and
after. Out: Dangers. Never: a cluster, or a word on what is merely different.

A rule is a module with `judge` for an object that changes, `judge_removed` for one that goes, or
both. `moves` looks at all models together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from modelmill.dangers import capacity, deleted, immutable, protection, routing, traffic
from modelmill.dangers.finding import Danger, Level
from modelmill.manifest_diff import by_identity
from modelmill.patch import same
from modelmill.resource import Resource

__all__ = ["CHANGED", "REMOVED", "Danger", "Level", "judge"]

CHANGED: tuple[Callable[[Resource, Resource], Iterable[Danger]], ...] = (
    immutable.judge,
    traffic.judge,
    routing.judge,
    capacity.judge,
    protection.judge,
)
REMOVED: tuple[Callable[[Resource], Iterable[Danger]], ...] = (
    deleted.judge_removed,
    traffic.judge_removed,
    capacity.judge_removed,
    protection.judge_removed,
)


def judge(before: Sequence[Resource], after: Sequence[Resource]) -> Iterator[Danger]:
    """In order of the newer objects, those that go last."""
    old, new = by_identity(before), by_identity(after)
    for identity, resource in new.items():
        below = old.get(identity)
        if below is not None and not same(below.body, resource.body):
            for changed in CHANGED:
                yield from changed(below, resource)
    for identity, resource in old.items():
        if identity not in new:
            for removed in REMOVED:
                yield from removed(resource)
