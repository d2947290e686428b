"""Lay one positioned tree over another.

In: two trees and the shape of what they hold. Out: a third that shares every untouched subtree with
them and remembers, per value, what it replaced. Inputs are never mutated.

The rules, of which the types hold every exception:
  mappings merge by key; scalars and lists replace; null unsets;
  members of a one-of, and mappings whose tag changes, replace as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.record import RecordShape
from modelmill.shapes import ObjectShape, Shape
from modelmill.tree import Node


def merge(lower: Node, upper: Node, shape: Shape | None) -> Node:
    """`upper` laid over `lower`; a present value wins, 0, false and "" included."""
    below, above = lower.value, upper.value
    replaced = lower.under
    if not isinstance(above, dict) or not isinstance(below, dict):
        return _replace(lower, upper)
    if isinstance(shape, RecordShape):
        if shape.tag and _tag_changes(below, above, shape.tag):
            return _replace(lower, upper)
        entries = dict(below)
        if not shape.rivals.keys().isdisjoint(above):
            entries = _without_rivals(below, above, shape.rivals)
            replaced = lower if len(entries) < len(below) else replaced
    elif isinstance(shape, ObjectShape) and shape.exclusive and not _set(above) <= _set(below):
        return _replace(lower, upper)
    else:
        entries = dict(below)
    for key, node in above.items():
        under = entries.get(key)
        if under is None:
            entries[key] = node
        else:
            entries[key] = merge(under, node, shape.child(key) if shape is not None else None)
    return Node(entries, upper.place, upper.key, replaced)


def _replace(lower: Node, upper: Node) -> Node:
    return Node(upper.value, upper.place, upper.key, lower)


def _set(entries: dict[str, Node]) -> set[str]:
    return {key for key, node in entries.items() if node.value is not None}


def _tag_changes(below: dict[str, Node], above: dict[str, Node], tag: str) -> bool:
    if tag not in above or tag not in below:
        return False
    return bool(above[tag].value != below[tag].value)


def _without_rivals(
    below: dict[str, Node], above: dict[str, Node], rivals: Mapping[str, frozenset[str]]
) -> dict[str, Node]:
    """The lower entries without those a member of the same one-of in the upper layer replaces."""
    present = [rivals[key] for key in above if key in rivals and above[key].value is not None]
    return {key: node for key, node in below.items() if not any(key in each for each in present)}
