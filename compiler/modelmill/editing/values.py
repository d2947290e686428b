"""Plain data by path: what an edit is meant to make of a document.

In: nested mappings and lists. Out: the same with one value changed; nothing is changed in place.
"""

from __future__ import annotations

from typing import Any

from modelmill.editing.spots import Path
from modelmill.tree import Node


def written_values(node: Node) -> Any:
    """A document's tree as plain data, what is unset (null) included."""
    if isinstance(node.value, dict):
        return {key: written_values(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [written_values(child) for child in node.value]
    return node.value


def has(tree: Any, path: Path) -> bool:
    for segment in path:
        is_key = isinstance(tree, dict) and segment in tree
        is_item = isinstance(tree, list) and isinstance(segment, int) and segment < len(tree)
        if not (is_key or is_item):
            return False
        tree = tree[segment]
    return True


def value_at(tree: Any, path: Path) -> Any:
    for segment in path:
        tree = tree[segment]
    return tree


def with_value(tree: Any, path: Path, value: Any) -> Any:
    """With a value at a path; mappings that are missing on the way are made."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [with_value(v, rest, value) if i == key else v for i, v in enumerate(tree)]
    entries = tree or {}
    return {**entries, key: with_value(entries.get(key), rest, value)}


def without(tree: Any, path: Path) -> Any:
    """Without the key at the end of a path."""
    if len(path) > 1:
        return with_value(tree, path[:-1], without(value_at(tree, path[:-1]), path[-1:]))
    return {key: value for key, value in tree.items() if key != path[0]}
