"""The line of a model, preset or environment that a field of a generated object comes from.

In: a variant, one of its objects as it is emitted and as patches leave it, a path in it. Out: a
span. Where the path is not the input's own, inputs that may be behind it are changed one by one,
and the one is taken with which the object changes there: no rule of any emitter is told again here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelmill import patch
from modelmill.diagnostics import CompileError, Span
from modelmill.emitted import patch_behind
from modelmill.kinds import emit
from modelmill.resolve import Resolved
from modelmill.resource import Resource
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Path, at
from modelmill.variant import Variant, decode

MOST_TRIED = 16
SHORTEST_PART = 3
"""A shorter text is in too many others by chance."""


class _Candidate(NamedTuple):
    """A value of the input that may be behind a field: the closer it is to it, the higher."""

    closeness: int
    path: Path
    node: Node


class Origins:
    """The places behind the objects of one variant."""

    def __init__(
        self, variant: Variant, before: Sequence[Resource], after: Sequence[Resource]
    ) -> None:
        self.variant = variant
        self._written = {new.identity: (old, new) for old, new in zip(before, after, strict=True)}
        self._changed: dict[tuple[Path, int], dict[tuple[str, str, str], Any]] = {}

    def span(self, identity: tuple[str, str, str], path: Path, *, at_key: bool = False) -> Span:
        """Where a field of an object is from; what is missing is from what it is missing in."""
        old, new = self._written[identity]
        if not patch.same(at(old.body, *path), at(new.body, *path)):
            return patch_behind(self.variant, old, patch.pointer(path))
        node = self._extra(old, path) or self._behind(old, path)
        if node is None:
            return self._owner(old)
        return node.key_span if at_key else node.span

    def _extra(self, resource: Resource, path: Path) -> Node | None:
        """In an extra object everything is where it is written."""
        for name, body in self.variant.spec.extra_objects.items():
            if (body["kind"], body["metadata"]["name"]) == (resource.kind, resource.name):
                return self.variant.tree.nearest("extraObjects", name, *path)
        return None

    def _behind(self, resource: Resource, path: Path) -> Node | None:
        for length in range(len(path), 0, -1):
            found = self._input(resource, path[:length])
            if found is not None:
                return found
        return None

    def _input(self, resource: Resource, path: Path) -> Node | None:
        """The value of the input that decides what stands at a path."""
        value = at(resource.body, *path)
        candidates = sorted(_candidates(self.variant.tree, path, value), reverse=True, key=_rank)
        for each in candidates[:MOST_TRIED]:
            if self._decides(each, resource, path, value):
                return each.node
        alike = [each for each in candidates if each.closeness >= ALIKE]
        return alike[0].node if alike else None

    def _decides(self, candidate: _Candidate, resource: Resource, path: Path, value: Any) -> bool:
        """Whether the object has another value there, or none, once the input has another."""
        for number, other in enumerate(_others(candidate.node)):
            objects = self._with(candidate, number, other)
            body = objects.get(resource.identity)
            if body is not None:
                return not patch.same(at(body, *path), value)
        return False

    def _with(
        self, candidate: _Candidate, number: int, other: Any
    ) -> dict[tuple[str, str, str], Any]:
        """The objects of the variant with another value at a place; none if that is no variant."""
        key = (candidate.path, number)
        if key not in self._changed:
            self._changed[key] = self._emitted(_replaced(self.variant.tree, candidate.path, other))
        return self._changed[key]

    def _emitted(self, tree: Node) -> dict[tuple[str, str, str], Any]:
        one = self.variant
        resolved = Resolved(one.model, one.overlay, one.chain, tree, {}, one.kserve)
        try:
            changed = decode(resolved, one.versions).over(one.configs)
            return {each.identity: each.body for each in emit(changed)}
        except (CompileError, LookupError, TypeError, ValueError):
            # Emitters trust what checks have judged, which a value made up here is not.
            return {}

    def _owner(self, resource: Resource) -> Span:
        """What an object is of, where nothing behind a field of it is written."""
        for key in self.variant.roles:
            if resource.name == self.variant.workload_name(key):
                return self.variant.key_span_of("roles", key)
        return self.variant.model.span


ALIKE = 6
"""As close as a value of the same key and text: taken though changing it could not be tried."""


def closest_in(nodes: Sequence[Node], path: Path, value: Any) -> Node | None:
    """What in some documents is of a field's key and value, if anything is."""
    found = [each for node in nodes for each in _candidates(node, path, value)]
    alike = [each for each in found if each.closeness >= ALIKE]
    return max(alike, key=_rank).node if alike else None


def written_at(node: Node, path: Path, value: Any, *, at_key: bool) -> Span:
    """The place in a document of what is closest to a field; the document's own if nothing is."""
    found = max(_candidates(node, path, value), key=_rank, default=None)
    if found is None:
        return node.span
    return found.node.key_span if at_key else found.node.span


def _candidates(tree: Node, path: Path, value: Any) -> Iterator[_Candidate]:
    names = [each for each in path if isinstance(each, str)]
    for place, node in _values(tree, ()):
        own = [each for each in place if isinstance(each, str)]
        same_key = bool(own and names) and own[-1] == names[-1]
        closeness = _alike(plain(node), value) + 2 * _common(own, names)
        if same_key or closeness > 2:
            yield _Candidate(closeness, place, node)


def _rank(candidate: _Candidate) -> tuple[int, int]:
    return candidate.closeness, len(candidate.path)


def _alike(one: Any, other: Any) -> int:
    """How much a value of the input looks like one of an object."""
    if one is None or other is None:
        return 0
    if patch.same(one, other):
        return 4
    texts = [str(each) for each in (one, other) if not isinstance(each, dict | list)]
    if len(texts) == 2 and texts[0] == texts[1]:
        return 4
    is_part = len(texts) == 2 and len(texts[0]) >= SHORTEST_PART and texts[0] in texts[1]
    return 3 if is_part else 0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many keys two paths end with alike."""
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


def _values(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if path:
        yield path, node
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _values(child, (*path, key))
    elif isinstance(node.value, list):
        for place, child in enumerate(node.value):
            yield from _values(child, (*path, place))


def _others(node: Node) -> Iterator[Any]:
    """Other values to try in a value's stead, the last one no value at all."""
    value = node.value
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        yield value - 1
    elif isinstance(value, float):
        yield value * 2
    elif isinstance(value, str):
        yield f"{value}x"
        yield f"1{value}"
    yield None


def _replaced(node: Node, path: Path, value: Any) -> Node:
    """The tree with another value at a path; without the entry where that is in a list."""
    if not path:
        return Node(value, node.place, node.key)
    step, rest = path[0], path[1:]
    if isinstance(node.value, list):
        assert isinstance(step, int)
        items = list(node.value)
        if rest or value is not None:
            items[step] = _replaced(items[step], rest, value)
        else:
            del items[step]
        return Node(items, node.place, node.key)
    below = {**node.value, step: _replaced(node.value[step], rest, value)}
    return Node(below, node.place, node.key)
