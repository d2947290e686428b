"""Where a value that was written takes effect, and what a higher layer says instead.

In: a repository, places of values in one of its files, and variants of models. Out: for each
variant in which none of the places reached the result, the step that decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from modelmill.catalog import Document
from modelmill.diagnostics import CompileError
from modelmill.editing.spots import Path
from modelmill.explain import Step, Trace
from modelmill.repository import Repository
from modelmill.resolve import Resolved, Resolver
from modelmill.tree import Node, Place
from modelmill.tuples import NamedTuple


class Overruled(NamedTuple):
    """A variant in which a value has no effect; `by` is None where nothing stands in its place."""

    model: str
    environment: str
    by: Step | None


def overruled(
    repository: Repository,
    variants: Iterable[tuple[Document, Document]],
    places: Collection[Place],
    path: Path,
) -> Iterator[Overruled]:
    """Variants that have a value at one of these places in a layer, but another in the result.
    `path` is the value's in a spec."""
    resolver = Resolver(repository.catalog)
    for model, overlay in variants:
        try:
            resolved = resolver.variant(model, overlay)
        except CompileError:
            continue
        if not _holds(resolved.tree, places):
            yield Overruled(model.name, overlay.name, _decides(repository, resolved, path))


def places_of(node: Node) -> set[Place]:
    """Places of the values below a node, or of itself where it has none."""
    if isinstance(node.value, dict) and node.value:
        return {place for child in node.value.values() for place in places_of(child)}
    return {node.place}


def _holds(node: Node, places: Collection[Place]) -> bool:
    if node.place in places:
        return True
    return isinstance(node.value, dict) and any(_holds(n, places) for n in node.value.values())


def _decides(repository: Repository, resolved: Resolved, path: Path) -> Step | None:
    trace = Trace(repository.catalog, resolved)
    return next((origin.steps[0] for origin in trace.below(path) if origin.steps), None)
