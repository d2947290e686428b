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

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.object_graph import Edge, edges
from modelmill.resource import Resource, with_annotations

ANNOTATION = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
_number = re.compile(r"[+-]?[0-9]{1,9}").fullmatch


def in_waves(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The objects with their waves. What people say of one stands, and others go by it; a hook is
    none of a wave's."""
    found = waves(resources)
    return tuple(
        with_annotations(each, {ANNOTATION: str(wave)}) if wave and not _is_said(each) else each
        for each, wave in zip(resources, found, strict=True)
    )


def waves(resources: Sequence[Resource]) -> list[int]:
    """The wave of each object: none is before what it refers to."""
    links = edges(resources)
    group = _groups(len(resources), links)
    said = {group[i]: wave for i, each in enumerate(resources) if (wave := _said(each)) is not None}
    between = [Edge(group[e.of], group[e.to], e.sort) for e in links if group[e.of] != group[e.to]]
    # Groups are numbered so that what is referred to has the smaller number.
    found = [said.get(each, 0) for each in range(max(group, default=-1) + 1)]
    for edge in sorted(between, key=lambda e: -e.of):
        if edge.to not in said:
            found[edge.to] = min(found[edge.to], found[edge.of] - (edge.sort == "before"))
    for edge in sorted(between, key=lambda e: e.of):
        if edge.of not in said:
            found[edge.of] = max(found[edge.of], found[edge.to] + (edge.sort != "with"))
    return [found[each] for each in group]


def _annotations(resource: Resource) -> Mapping[str, Any]:
    found: Mapping[str, Any] = resource.body["metadata"].get("annotations") or {}
    return found


def _is_said(resource: Resource) -> bool:
    return bool({ANNOTATION, HOOK} & _annotations(resource).keys())


def _said(resource: Resource) -> int | None:
    """The wave that people gave an object; Argo CD takes what is no number for 0."""
    text = _annotations(resource).get(ANNOTATION)
    if text is None:
        return None
    return int(text) if _number(str(text)) else 0


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
