"""What only shows where objects meet: names of nothing, selectors without pods, ports that nobody
listens on, two objects of one name.

In: the objects of a set. Out: faults, each with the object it is of.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.validation.faults import Fault
from modelmill.validation.references import pods, routes, selectors
from modelmill.validation.references.objects import Between, Objects, namespace_of

RULES = (pods.faults, selectors.faults, routes.faults)


def faults_between(objects: Objects) -> Iterator[Between]:
    yield from _twice(objects)
    for rule in RULES:
        yield from rule(objects)


def _twice(objects: Objects) -> Iterator[Between]:
    seen: set[tuple[str, str, str, str]] = set()
    for each in objects.all:
        group = each.api_version.rpartition("/")[0]
        key = (group, each.kind, namespace_of(each), each.name)
        if key in seen:
            message = f"{each.kind} `{each.name}` is there twice: the later one replaces the other"
            yield each, Fault("V113", ("metadata", "name"), message, "keep one, or rename one")
        seen.add(key)
