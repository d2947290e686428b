"""Values files over each other and over a chart's defaults, as Helm merges them.

In: the files in the order of `-f`. Out: one tree, in which a null still stands where it deletes a
default of the chart; then plain values with the defaults below (helm pkg/chart/common/util
coalesce.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.importers.helm.comments import Comment, Path
from modelmill.importers.helm.reading import File, read_file
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple


class Values(NamedTuple):
    """The user's values: files merged, a null kept where it deletes a default of the chart."""

    root: Node
    comments: Mapping[Path, Comment]


def read_values(files: Sequence[tuple[str, bytes]]) -> Values:
    """The files' values, later over earlier; raises CompileError with all that is wrong."""
    problems: list[Diagnostic] = []
    read: list[File] = []
    for name, data in files:
        try:
            read.append(read_file(name, data))
        except CompileError as fault:
            problems.extend(fault.diagnostics)
    if problems:
        raise CompileError(problems)
    root = Node({}, (files[0][0] if files else "values.yaml", 1, 1, 1))
    for file in read:
        root = merged(file.root, root)
    return Values(root, _comments_left(root, read))


def merged(upper: Node, lower: Node) -> Node:
    """`upper` over `lower`: mappings merge, anything else replaces."""
    if not (isinstance(upper.value, dict) and isinstance(lower.value, dict)):
        return Node(upper.value, upper.place, upper.key, under=lower)
    value = dict(lower.value)
    for key, node in upper.value.items():
        below = value.get(key)
        value[key] = node if below is None else merged(node, below)
    return Node(value, upper.place, upper.key, under=lower)


def coalesced(user: Node, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values: the user's over a chart's defaults; a null takes the default away."""
    found: dict[str, Any] = {}
    for key in {**defaults, **user.value}:
        node = user.value.get(key)
        default = defaults.get(key)
        if node is None:
            found[key] = default
        elif node.value is None:
            continue
        elif isinstance(node.value, dict) and isinstance(default, dict):
            found[key] = coalesced(node, default)
        else:
            found[key] = plain(node)
    return found


def _comments_left(root: Node, files: Sequence[File]) -> dict[Path, Comment]:
    """The comments of what is left: for each value those of the last file that speaks of it."""
    by_file: dict[str, dict[Path, Comment]] = {}
    for file in files:
        by_file.setdefault(file.root.place[0], {}).update(file.comments)
    found = {}
    for path, node in _walk(root, ()):
        for each in node.history():
            comment = by_file.get(each.place[0], {}).get(path)
            if comment:
                found[path] = comment
                break
    return found


def _walk(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _walk(child, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from _walk(child, (*path, index))
