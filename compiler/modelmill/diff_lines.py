"""A comparison in words: the lines that text and Markdown share, and the counts.

In: a Comparison. Out: lines with a mark and a depth. Never: colour, Markdown, or a character that a
terminal would obey.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.comparison import Comparison, ModelChange
from modelmill.manifest_diff import Act, Change, ObjectChange
from modelmill.reports.wording import visible
from modelmill.showing import counted, shown
from modelmill.sides import NOWHERE
from modelmill.source_diff import Cause
from modelmill.tuples import NamedTuple

MARKS: Mapping[Act, str] = {"added": "+", "changed": "~", "removed": "-"}
ENVIRONMENTS = "environments"
_ORDER: tuple[Act, ...] = ("changed", "added", "removed")


class Line(NamedTuple):
    mark: str
    depth: int
    text: str


def name_of(change: ModelChange) -> str:
    return change.model or ENVIRONMENTS


def environment(name: str) -> str:
    return "no environment" if name == NOWHERE else visible(name)


def lines(change: ModelChange) -> Iterator[Line]:
    """Where a model was edited, then what that does in each environment."""
    for cause in change.causes:
        yield Line(MARKS[cause.act], 1, cause_text(cause))
    for part in change.parts:
        yield Line(" ", 1, ", ".join(map(environment, part.environments)) + ":")
        for resource in part.objects:
            yield Line(MARKS[resource.act], 2, visible(f"{resource.kind} {resource.name}"))
            yield from _values(resource)


def summary(models: Iterable[ModelChange]) -> str:
    """`3 models, 2 environments: 4 objects changed, 1 added`; an object counts in each environment
    it is in."""
    changed = list(models)
    names = {name for m in changed for part in m.parts for name in part.environments}
    own = len([m for m in changed if m.model])
    found = counts(resource for m in changed for resource in _objects(m))
    wheres = counted(own, "model"), counted(len(names - {NOWHERE}), "environment")
    return f"{', '.join(wheres)}: {found}"


def counts(resources: Iterable[ObjectChange]) -> str:
    """`4 objects changed, 1 added`."""
    found = Counter(resource.act for resource in resources)
    told = [f"{found[act]} {act}" for act in _ORDER if found[act]]
    if told:
        number, _, act = told[0].partition(" ")
        told[0] = f"{counted(int(number), 'object')} {act}"
    return ", ".join(told) or "no objects"


def model_summary(change: ModelChange) -> str:
    names = [environment(name) for part in change.parts for name in part.environments]
    where = ", ".join(names) if len(names) <= 5 else counted(len(names), "environment")
    return f"{counts(_objects(change))} in {where}"


def in_environment(change: ModelChange, name: str) -> str:
    """`~2 +1`, or nothing."""
    found = Counter(r.act for p in change.parts if name in p.environments for r in p.objects)
    return " ".join(f"{MARKS[act]}{found[act]}" for act in MARKS if found[act])


def environments(comparison: Comparison) -> list[str]:
    return sorted({n for m in comparison.models for p in m.parts for n in p.environments})


def _objects(change: ModelChange) -> Iterator[ObjectChange]:
    for part in change.parts:
        for _ in part.environments:
            yield from part.objects


def cause_text(cause: Cause) -> str:
    """`models/one.yaml:7 spec.replicas: 2 → 8`"""
    if not cause.path:
        return visible(f"{cause.file}: {cause.layer}")
    return f"{visible(f'{cause.file}:{cause.line} {cause.path}')}: {_values_of(cause)}"


def _values(resource: ObjectChange) -> Iterator[Line]:
    above = ""
    for change in resource.changes:
        if not change.is_element:
            yield Line(MARKS[change.act], 3, f"{visible(change.path)}: {_values_of(change)}")
            continue
        if change.path != above:
            yield Line(" ", 3, f"{visible(change.path)}:")
            above = change.path
        yield Line(MARKS[change.act], 4, _either(change))


def _values_of(change: Change | Cause) -> str:
    if change.act == "changed":
        return f"{shown(change.before)} → {shown(change.after)}"
    return _either(change)


def _either(change: Change | Cause) -> str:
    value: Any = change.before if change.act == "removed" else change.after
    return visible(value) if isinstance(value, str) and value else shown(value)
