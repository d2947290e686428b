"""Which lines of the input files a change of the manifests comes from.

In: the documents behind a model before and after, and its resolved trees. Out: Causes: what was
written differently, where, and only what reached the result. An edit that a higher layer overrides
is no cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from modelmill.catalog import Document
from modelmill.dotted import spell
from modelmill.patch import same
from modelmill.redaction import hide
from modelmill.tree import Node, Place, plain
from modelmill.tuples import NamedTuple

Act = Literal["added", "changed", "removed"]
LAYERS = ("spec", "environments")
"""Parts of a document that are laid over each other; all else takes effect as it stands."""


class Cause(NamedTuple):
    """One edit of an input file; `path` is empty where the whole file came or went."""

    act: Act
    file: str
    line: int
    layer: str
    path: str = ""
    before: Any = None
    after: Any = None


def causes(
    before: Mapping[str, Document],
    after: Mapping[str, Document],
    reached: set[Place],
    secrets: Sequence[str],
) -> tuple[Cause, ...]:
    """Edits between documents by path, in order of file and line."""
    found: list[Cause] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is not None and new is not None:
            found += _edits(old, new, reached, secrets)
            continue
        one = new or old
        assert one is not None
        act: Act = "removed" if new is None else "added"
        found.append(Cause(act, path, one.span.line, _layer(one)))
    return tuple(sorted(found, key=lambda cause: (cause.file, cause.line, cause.path)))


def reached(pairs: Iterable[tuple[Node | None, Node | None]]) -> set[Place]:
    """Places, old and new, of every value that differs between two resolved trees."""
    found: set[Place] = set()
    for old, new in pairs:
        found.update(_differing(old, new))
    return found


def _edits(
    old: Document, new: Document, reached: set[Place], secrets: Sequence[str]
) -> Iterator[Cause]:
    before, after = dict(_leaves(old.node)), dict(_leaves(new.node))
    for path in dict.fromkeys([*before, *after]):
        was, now = before.get(path), after.get(path)
        here = now or was
        assert here is not None
        if was is not None and now is not None and same(plain(was), plain(now)):
            continue
        places = {node.place for node in (was, now) if node is not None}
        if path[0] in LAYERS and not places & reached:
            continue
        act: Act = "changed" if was and now else "added" if now else "removed"
        values = [hide(plain(n), path, secrets) if n is not None else None for n in (was, now)]
        line = here.span.line
        yield Cause(act, new.path, line, _layer(new), spell(path), values[0], values[1])


def _leaves(node: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Values as merging sees them: scalars (null, too), lists and empty mappings."""
    for key, child in node.value.items():
        if isinstance(child.value, dict) and child.value:
            yield from (((key, *path), leaf) for path, leaf in _leaves(child))
        else:
            yield (key,), child


def _differing(old: Node | None, new: Node | None) -> Iterator[Place]:
    if old is None or new is None:
        yield from _places(old or new)
    elif isinstance(old.value, dict) and isinstance(new.value, dict):
        for key in old.value.keys() | new.value.keys():
            yield from _differing(old.value.get(key), new.value.get(key))
    elif not same(plain(old), plain(new)):
        yield from _places(old)
        yield from _places(new)


def _places(node: Node | None) -> Iterator[Place]:
    if node is not None:
        yield node.place
        if isinstance(node.value, dict):
            for child in node.value.values():
                yield from _places(child)


def _layer(document: Document) -> str:
    return f"{document.kind.lower()} `{document.name}`".removesuffix(" ``")
