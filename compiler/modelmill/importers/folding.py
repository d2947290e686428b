"""What must be said over a lower layer to get a whole.

In: what lies below, and what is wanted. Out: the least that, laid over it, gives what is wanted;
null takes away what is not. The counterpart of merging.
"""

from __future__ import annotations

from typing import Any

from modelmill.importers.hoisting import TAGS

Tree = dict[str, Any]


def fold(below: Tree, whole: Tree) -> Tree:
    found: Tree = {}
    for key, value in whole.items():
        under = below.get(key)
        if key not in below:
            found[key] = value
        elif isinstance(value, dict) and isinstance(under, dict) and not _retagged(under, value):
            inner = fold(under, value)
            if inner:
                found[key] = inner
        elif value != under or type(value) is not type(under):
            found[key] = value
    return {**found, **{key: None for key in below if key not in whole}}


def _retagged(under: Tree, value: Tree) -> bool:
    """Whether a type or name changes, by which a layer may replace a lower one as a whole."""
    return any(under[tag] != value.get(tag) for tag in TAGS if tag in under)
