"""Where in its file something stands: a value, or a line inside a value that is itself a text.

In: trees, values, the files' texts. Out: places.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.diagnostics import Span
from modelmill.importers.documents import At
from modelmill.tree import Node, Place
from modelmill.tuples import NamedTuple


class Places(NamedTuple):
    """Where things stand: the ModelService's tree, and the BaseConfig's by key."""

    root: Node
    trees: Mapping[str, Node]

    def spec(self, *path: str | int) -> Span:
        """A place in the ModelService's spec."""
        return self.root.nearest("spec", *path).key_span

    def base(self, key: str, *path: str | int) -> Span:
        """A place in an object of the BaseConfig, in the ModelService where there is none."""
        tree = self.trees.get(key)
        return tree.nearest(*path).key_span if tree is not None else self.spec()


def inside(node: Node, texts: Mapping[str, str]) -> At:
    """Where the lines of a string stand: in its block scalar, beside its quote, or all at once."""
    path, line, column, _ = node.place
    lines = texts.get(path, "").splitlines()
    text = str(node.value)
    here = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if here.startswith("|"):
        indent = _indent(text, lines[line:])
        if indent is not None:
            return lambda row, col, width: (path, line + row, col + indent, width)
    quote = 1 if here[:1] in ("'", '"') else 0
    if here[quote:].startswith(text):
        return lambda _row, col, width: (path, line, column + quote + col - 1, width)
    return lambda _row, _col, _width: node.place


def _indent(text: str, below: list[str]) -> int | None:
    """How far the lines of a literal block scalar are indented; None if they are not these."""
    for at, written in enumerate(text.split("\n")):
        if written.strip() and at < len(below):
            indent = below[at].find(written)
            return indent if indent >= 0 and below[at][:indent].strip() == "" else None
    return 0


def of_rendered(source: str, result: str, at: At, whole: Place) -> At:
    """Places of a rendered text: those of its source where lines did not move."""
    if source.count("\n") != result.count("\n"):
        return lambda _row, _col, _width: whole
    lines = source.split("\n")

    def place(row: int, col: int, width: int) -> Place:
        line = lines[row - 1] if row <= len(lines) else ""
        return at(row, min(col, len(line) + 1), width)

    return place
