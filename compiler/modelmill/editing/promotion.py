"""What one environment's entry of a model has that another's has not, as edits of the model's file.

In: a model, two environments, and what is wanted. Out: a Promotion: edits, and all that they leave
as it is, by name. How much hardware an environment has is its own, so it is not carried unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelmill.catalog import Document
from modelmill.editing.edits import Drop, Edit, Put
from modelmill.editing.spots import Path
from modelmill.editing.values import has, value_at, written_values
from modelmill.patch import same
from modelmill.record import RecordShape
from modelmill.shapes import Shape
from modelmill.spec.documents import Spec
from modelmill.tuples import NamedTuple

ENTRIES = "environments"
SIZING = (
    "accelerator",
    "autoscaling",
    "parallelism",
    "podDisruptionBudget",
    "replicas",
    "resources",
    "sharedMemory",
)
"""Fields that say how much of what a model runs on, wherever the language has them."""

Chosen = Callable[[Path], bool]


class Promotion(NamedTuple):
    """Paths are in a spec, of single values.

    carried   what the target gets        left   what the target has not, and is not carried
    lifted    what goes into the spec     kept   what only the target has
    """

    edits: tuple[Edit, ...]
    carried: tuple[Path, ...]
    left: tuple[Path, ...]
    kept: tuple[Path, ...]
    lifted: tuple[Path, ...] = ()


def chooser(paths: Sequence[Path], *, everything: bool) -> Chosen:
    """Whether a value is wanted: those at or below the paths, or all but sizing."""
    if paths:
        return lambda leaf: any(leaf[: len(path)] == path for path in paths)
    return lambda leaf: everything or not is_sizing(leaf)


def is_sizing(path: Path) -> bool:
    shape: Shape | None = Spec.shape()
    for segment in path:
        if isinstance(shape, RecordShape) and segment in SIZING:
            return True
        shape = shape.child(str(segment)) if shape is not None else None
    return False


def leaves(tree: Any, above: Path = ()) -> Iterator[Path]:
    """Paths of single values, as merging sees them: what is no filled mapping."""
    if isinstance(tree, dict) and (tree or not above):
        for key, value in tree.items():
            yield from leaves(value, (*above, key))
    elif tree is not None or above:
        yield above


def promotion(model: Document, source: str, target: str, wanted: Chosen) -> Promotion:
    """What makes the target's entry have what the source's entry has."""
    entries = _entries(model)
    ours, theirs = entries.get(source) or {}, entries.get(target) or {}
    differing = [path for path in leaves(ours) if not _has_same(theirs, path, value_at(ours, path))]
    carried = tuple(path for path in differing if wanted(path))
    left = tuple(path for path in differing if not wanted(path))
    edits: list[Edit] = []
    if carried and not theirs:
        edits.append(Put((ENTRIES, target), {}))
    if carried:
        way = _Way((ENTRIES, source), (ENTRIES, target), frozenset(carried), frozenset(left))
        edits += _carry(ours, theirs, (), way, Spec.shape())
    written = {edit.path[2:] for edit in edits if len(edit.path) > 2}
    kept = tuple(
        path
        for path in leaves(theirs)
        if not has(ours, path) and not any(path[:n] in written for n in range(1, len(path) + 1))
    )
    return Promotion(tuple(edits), carried, left, kept)


def lifting(model: Document, source: str, target: str, wanted: Chosen) -> Promotion:
    """What moves into the spec all that both entries say alike, and no other entry differently."""
    entries = {name: tree or {} for name, tree in _entries(model).items()}
    ours = entries.get(source, {})
    alike = [
        path
        for path in leaves(ours)
        if wanted(path) and _has_same(entries.get(target), path, value_at(ours, path))
    ]
    lifted = {
        path
        for path in alike
        if all(
            _has_same(tree, path, value_at(ours, path))
            for tree in entries.values()
            if has(tree, path)
        )
    }
    spec = written_values(model.node.nearest("spec"))
    way = _Way((ENTRIES, source), ("spec",), frozenset(lifted), frozenset(leaves(ours)) - lifted)
    edits: list[Edit] = list(_carry(ours, spec, (), way, Spec.shape()))
    below = {(ENTRIES, name, *path) for name in entries for path in lifted}
    whole = {ENTRIES: _entries(model)}
    edits += [Drop(path) for path in _whole(whole, (), below.__contains__)]
    left = tuple(path for path in alike if path not in lifted)
    return Promotion(tuple(edits) if lifted else (), (), left, (), tuple(sorted(lifted, key=str)))


def entry_paths(model: Document, environment: str) -> list[Path]:
    """What an environment's entry sets, mappings included."""
    tree = _entries(model).get(environment) or {}
    return sorted({leaf[:n] for leaf in leaves(tree) for n in range(1, len(leaf) + 1)}, key=str)


def _entries(model: Document) -> dict[str, Any]:
    node = model.node.get(ENTRIES)
    return dict(written_values(node)) if node is not None else {}


def _has_same(tree: Any, path: Path, value: Any) -> bool:
    return has(tree, path) and same(value_at(tree, path), value)


class _Way(NamedTuple):
    """From one mapping of a document to another: which values go, and which must not come along."""

    source: Path
    target: Path
    taken: frozenset[Path]
    left: frozenset[Path]


def _carry(ours: Any, theirs: Any, at: Path, way: _Way, shape: Shape | None) -> Iterator[Edit]:
    """Edits that lay values of one mapping over another, each as large as it can be, so that
    comments come along."""
    for key, value in ours.items():
        path = (*at, key)
        if way.taken.isdisjoint(leaves(value, path)):
            continue
        inner = shape.child(key) if shape is not None else None
        there = theirs.get(key)
        is_pair = isinstance(value, dict) and isinstance(there, dict) and value and there
        if is_pair and not _changes_tag(value, there, inner):
            yield from _carry(value, there, path, way, inner)
        elif not _has_same(theirs, (key,), value):
            yield Put((*way.target, *path), value, (*way.source, *path))
            for each in _whole(value, path, way.left.__contains__):
                yield Drop((*way.target, *each))
        if value is not None:
            yield from (Drop((*way.target, *at, rival)) for rival in _rivals(key, theirs, shape))


def _whole(tree: Any, at: Path, chosen: Chosen) -> Iterator[Path]:
    """The highest paths all of whose values are chosen."""
    below = list(leaves(tree, at)) if at or tree else []
    if at and below and all(map(chosen, below)):
        yield at
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _whole(value, (*at, key), chosen)


def _changes_tag(value: Any, there: Any, shape: Shape | None) -> bool:
    tag = shape.tag if isinstance(shape, RecordShape) else ""
    return bool(tag) and tag in value and tag in there and value[tag] != there[tag]


def _rivals(key: str, theirs: Any, shape: Shape | None) -> list[str]:
    """Members of the same one-of, which cannot stand beside what is carried."""
    groups = shape.one_of if isinstance(shape, RecordShape) else ()
    return [r for group in groups if key in group for r in group if r != key and r in theirs]
