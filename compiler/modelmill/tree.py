"""The positioned tree: what a YAML file says, with the place of every value.

In: built by `syntax`, folded by `merge`. Out: read by every later stage until emission.
A node is never mutated after construction (but for what it remembers), so layers share subtrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from modelmill.diagnostics import Span

Place: TypeAlias = tuple[str, int, int, int]
"""path, line, column, width: a Span's fields as a bare tuple, which is cheaper to make."""


class Node:
    """One value of a document: a mapping, a sequence or a scalar.

    value   dict[str, Node], list[Node] or a JSON scalar; None is YAML's null, which unsets
    place   where the value stands
    key     where its key stands, for a value of a mapping
    under   what this value replaced in a lower layer
    source  the text a `${…}` reference was written as, once it is resolved
    memo    what was made of it, such as the decoded value; shared by every variant it appears in
    literal whether no `${…}` is below, once that was asked (`references.is_literal`)
    """

    __slots__ = ("key", "literal", "memo", "place", "source", "under", "value")

    def __init__(
        self,
        value: Any,
        place: Place,
        key: Place | None = None,
        under: Node | None = None,
        source: str | None = None,
    ) -> None:
        self.value = value
        self.place = place
        self.key = key
        self.under = under
        self.source = source
        self.memo: dict[Any, Any] | None = None
        self.literal: bool | None = None

    @property
    def span(self) -> Span:
        return Span(*self.place)

    @property
    def key_span(self) -> Span:
        """The key's place, or the value's for an item of a sequence."""
        return Span(*(self.key or self.place))

    def get(self, *path: str | int) -> Node | None:
        """The node at `path` below this one; None if it is absent or null."""
        node: Node | None = self
        for segment in path:
            node = node.child(segment) if node is not None else None
        return node

    def child(self, segment: str | int) -> Node | None:
        value = self.value
        found: Node | None = None
        if isinstance(value, dict) and isinstance(segment, str):
            found = value.get(segment)
        elif isinstance(value, list) and isinstance(segment, int) and segment < len(value):
            found = value[segment]
        return None if found is None or found.value is None else found

    def nearest(self, *path: str | int) -> Node:
        """The node at `path`, the null that unset it, or the deepest one on the way there."""
        node = self
        for segment in path:
            below = node.child(segment)
            if below is None:
                unset = node.value.get(segment) if isinstance(node.value, dict) else None
                return unset or node
            node = below
        return node

    def history(self) -> Iterator[Node]:
        """This value, then what it replaced, newest first."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.under


def remember(node: Node, what: Any, result: Any) -> None:
    """Keep what was made from a node, and from nothing else, under `what` made it."""
    if node.memo is None:
        node.memo = {what: result}
    else:
        node.memo[what] = result


def word(node: Node | None) -> str:
    """A scalar as text; "" of nothing, and of what is a mapping or a list where a word is due."""
    return "" if node is None or isinstance(node.value, dict | list | None) else str(node.value)


def plain(node: Node) -> Any:
    """The node as plain JSON data; keys that were unset (null) are left out."""
    value = node.value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v.value is not None}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def plant(value: Any, place: Place, key: Place | None = None) -> Node:
    """Plain JSON data as a tree whose every node stands at `place`."""
    if isinstance(value, dict):
        value = {k: plant(v, place, place) for k, v in value.items()}
    elif isinstance(value, list | tuple):
        value = [plant(v, place) for v in value]
    return Node(value, place, key)
