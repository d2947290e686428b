"""Argo CD's sync waves, which follow from what objects refer to.

In: the objects of a model, or of an environment. Out: the same, those that do not come with the
workloads with the annotation that says when they do. In wave 0, which is nowhere written, are pods
and all they need no other wave for; below it is what must be healthy before they start, above it
what is of use only when they are.

A wave costs two seconds, and waits until all it applied is healthy; so an object comes as late as
what refers to it allows, and what refers to each other comes in one wave. Within one Argo CD goes
by kind: namespaces, policies, accounts, claims and roles before pods, other resources last
(argoproj/argo-cd, gitops-engine/pkg/sync/sync_tasks.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from modelmill.object_graph import Edge, Links, edges, links_of
from modelmill.regexes import regex
from modelmill.resource import Resource, with_annotations
from modelmill.tuples import NamedTuple

ANNOTATION = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
T = TypeVar("T")
_number = regex(r"[+-]?[0-9]{1,9}")


class Once(Protocol):
    """What remembers results by the identity of inputs: `Variant.once`."""

    def __call__(self, inputs: tuple[object, ...], make: Callable[[], T], /) -> T: ...


class Seen(NamedTuple):
    """What of an object its wave goes by. `said`: the wave that people gave it."""

    links: Links
    said: int | None
    is_said: bool


def _anew(_: tuple[object, ...], make: Callable[[], T]) -> T:
    return make()


def in_waves(resources: Sequence[Resource], once: Once = _anew) -> tuple[Resource, ...]:
    """The objects with their waves. What people say of one stands, and others go by it; a hook is
    none of a wave's."""
    seen = _all_seen(resources, once)
    found = once(("waves", *seen), lambda: _waves(seen))
    return tuple(
        with_annotations(each, {ANNOTATION: str(wave)}) if wave and not own.is_said else each
        for each, own, wave in zip(resources, seen, found, strict=True)
    )


def waves(resources: Sequence[Resource]) -> list[int]:
    """The wave of each object: none is before what it refers to."""
    return list(_waves([_seen(each) for each in resources]))


def _all_seen(resources: Sequence[Resource], once: Once) -> list[Seen]:
    """What of each the waves go by. Environments differ in objects more often than in what these
    refer to: the same is then one value, so that the order of all is found once."""
    # Kept with the object, whose id could else come to mean another one.
    known = once(("seen",), dict[int, tuple[Resource, Seen]])
    first = once(("seen first",), dict[tuple[str, str], Seen])
    found = []
    for each in resources:
        kept = known.get(id(each))
        if kept is None:
            own = _seen(each)
            like = first.setdefault((each.kind, each.name), own)
            kept = known[id(each)] = (each, like if like == own else own)
        found.append(kept[1])
    return found


def _seen(resource: Resource) -> Seen:
    noted = resource.body["metadata"].get("annotations") or {}
    is_said = ANNOTATION in noted or HOOK in noted
    return Seen(links_of(resource), _said(noted) if is_said else None, is_said)


def _said(noted: Mapping[str, Any]) -> int | None:
    """The wave that annotations give; Argo CD takes what is no number for 0."""
    text = noted.get(ANNOTATION)
    if text is None:
        return None
    return int(text) if _number.fullmatch(str(text)) else 0


def _waves(seen: Sequence[Seen]) -> tuple[int, ...]:
    links = tuple(edges([each.links for each in seen]))
    return _in_order(links, tuple(each.said for each in seen))


@lru_cache(maxsize=1024)
def _in_order(links: tuple[Edge, ...], given: tuple[int | None, ...]) -> tuple[int, ...]:
    """The wave of each place. Most models are of few forms, whatever their objects are called."""
    group = _groups(len(given), links)
    said = {group[place]: wave for place, wave in enumerate(given) if wave is not None}
    between = [Edge(group[e.of], group[e.to], e.sort) for e in links if group[e.of] != group[e.to]]
    # Groups are numbered so that what is referred to has the smaller number.
    found = [said.get(each, 0) for each in range(max(group, default=-1) + 1)]
    for edge in sorted(between, key=lambda e: -e.of):
        if edge.to not in said:
            found[edge.to] = min(found[edge.to], found[edge.of] - (edge.sort == "before"))
    for edge in sorted(between, key=lambda e: e.of):
        if edge.of not in said:
            found[edge.of] = max(found[edge.of], found[edge.to] + (edge.sort != "with"))
    return tuple(found[each] for each in group)


def _groups(size: int, links: Sequence[Edge]) -> list[int]:
    """The number of each object's group: those that refer to each other, however far around. What
    is referred to has a smaller number than what refers to it (Tarjan's algorithm)."""
    after: list[list[int]] = [[] for _ in range(size)]
    for edge in links:
        after[edge.of].append(edge.to)
    seen: dict[int, int] = {}
    group: dict[int, int] = {}
    stack: list[int] = []
    count = 0

    def visit(place: int) -> int:
        nonlocal count
        lowest = seen[place] = len(seen)
        stack.append(place)
        for other in after[place]:
            if other not in seen:
                lowest = min(lowest, visit(other))
            elif other not in group:
                lowest = min(lowest, seen[other])
        if lowest == seen[place]:
            while True:
                member = stack.pop()
                group[member] = count
                if member == place:
                    break
            count += 1
        return lowest

    for place in range(size):
        if place not in seen:
            visit(place)
    return [group[place] for place in range(size)]
