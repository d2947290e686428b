"""What several trees have in common, written once.

In: trees that are laid over something below them. Out: the common part and what is left of each,
so that either laid over the common part is what it was. Mappings whose order means something are
common as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Tree = dict[str, Any]

ORDERED = frozenset(
    {"env", "volumes", "containers", "initContainers", "ports", "volumeMounts", "tolerations"}
)
"""Mappings that become lists: their order is the pod's."""
TAGS = frozenset({"type", "name"})
IDENTITY = frozenset({"selector"})
"""What only a Model may say of its own workloads."""


def hoisted(
    trees: Mapping[str, Tree], among: Collection[str] | None = None
) -> tuple[Tree, dict[str, Tree]]:
    """The common part of at least two trees (of the keys `among`), and the trees without it."""
    if len(trees) < 2:
        return {}, dict(trees)
    together = common(list(trees.values()), among)
    return together, {name: without(tree, together) for name, tree in trees.items()}


def common(trees: Sequence[Tree], among: Collection[str] | None = None) -> Tree:
    """What all trees say alike."""
    first, *others = trees
    found: Tree = {}
    for key, value in first.items():
        apart = key in IDENTITY or (among is not None and key not in among)
        if apart or any(key not in each for each in others):
            continue
        if all(_same(key, value, each[key]) for each in others):
            found[key] = value
        elif isinstance(value, dict) and key not in ORDERED:
            inner = [each[key] for each in trees]
            if all(isinstance(each, dict) for each in inner) and _same_tags(inner):
                below = common(inner)
                if below:
                    found[key] = below
    return found


def without(tree: Tree, together: Tree) -> Tree:
    """What is left to say over the common part."""
    left: Tree = {}
    for key, value in tree.items():
        if key not in together:
            left[key] = value
        elif not _same(key, value, together[key]):
            left[key] = without(value, together[key])
    return left


def _same(key: str, one: Any, other: Any) -> bool:
    """Equal, in order where it means something, and of one type: true is not 1."""
    if key in ORDERED and isinstance(one, dict) and isinstance(other, dict):
        return repr(one) == repr(other)
    return bool(one == other) and type(one) is type(other)


def _same_tags(trees: Sequence[Tree]) -> bool:
    """Another type or name would replace the common part as a whole."""
    return all(len({repr(each.get(tag)) for each in trees}) == 1 for tag in TAGS)
