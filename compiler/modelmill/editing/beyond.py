"""What a model has in one environment and not in another because of the environments themselves.

In: a repository, a model and two environments. Out: for each value that an overlay, or a preset it
extends, brings to the first, where it comes from and what the second has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.catalog import Document
from modelmill.dotted import spell
from modelmill.explain import Step, Trace
from modelmill.explain import leaves as values_below
from modelmill.patch import same
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple


class Beyond(NamedTuple):
    """A value that is not the model's own. `there`: what the other environment has, or None."""

    path: str
    value: Any
    there: Any
    step: Step


def beyond(
    repository: Repository, model: Document, source: Document, target: Document
) -> Iterator[Beyond]:
    """Values by place, each once, though many roles may have it."""
    resolver = Resolver(repository.catalog)
    ours = Trace(repository.catalog, resolver.variant(model, source))
    theirs = Trace(repository.catalog, resolver.variant(model, target))
    own = {preset.path for preset in resolver.chain(model.record.extends, model)}
    brought = {preset.path for preset in resolver.chain(source.record.extends, source)} - own
    told = set()
    for path in values_below(ours.tree):
        here, there = ours.tree.nearest(*path), theirs.tree.get(*path)
        step = next(iter(ours.origin(path).steps))
        is_brought = step.span.path in {source.path, *brought}
        if is_brought and not _alike(here, there) and step.span not in told:
            told.add(step.span)
            other = theirs.origin(path).value if there is not None else None
            yield Beyond(spell(path), ours.origin(path).value, other, step)


def _alike(here: Node, there: Node | None) -> bool:
    """Equal, or the same reference to what differs by nature, such as a namespace."""
    if there is None:
        return False
    is_same_text = here.source is not None and here.source == there.source
    return is_same_text or same(plain(here), plain(there))
