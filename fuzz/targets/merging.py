"""Layers over each other: what the upper one says holds, and nothing that was given is changed.

In: choices that make two layers out of the language's own fields, bent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fuzz.corpus import choices
from fuzz.draw import Draw, bent
from fuzz.holds import answered
from modelmill.catalog import Catalog, build_catalog
from modelmill.layers import lay
from modelmill.merge import merge
from modelmill.record import RecordShape
from modelmill.shapes import Problems
from modelmill.spec.documents import ProjectDocument, Spec
from modelmill.tree import Node, plant
from test_hostile import SPEC

EMPTY = Node({}, ("none", 1, 1, 1))
LOWER, UPPER = ("lower.yaml", 1, 1, 1), ("upper.yaml", 1, 1, 1)


def seeds() -> Iterator[bytes]:
    yield from choices(64)


def check(data: bytes) -> None:
    draw = Draw(data)
    lower, upper = (plant(_layer(draw), place) for place in (LOWER, UPPER))
    before = _shown(lower), _shown(upper)
    merged = merge(lower, upper, Spec.shape())
    assert _shown(merge(merged, upper, Spec.shape())) == _shown(merged), "laid twice is not once"
    assert _shown(merge(lower, EMPTY, Spec.shape())) == before[0], "nothing changed something"
    _holds(upper, merged)
    assert (_shown(lower), _shown(upper)) == before, "what was given is changed"
    if not (_is_layer(lower) and _is_layer(upper)):
        return
    catalog = _catalog()
    laid = answered(lambda: lay(catalog, lay(catalog, EMPTY, lower), upper))
    if isinstance(laid, Node):
        shape = Spec.shape()
        assert isinstance(shape, RecordShape)
        answered(lambda: shape.decode(laid, Problems(partial=False)))
    assert (_shown(lower), _shown(upper)) == before, "what was given is changed"


def _is_layer(node: Node) -> bool:
    """Whether the catalog would take it as one."""
    problems = Problems(partial=True)
    Spec.shape().decode(node, problems)
    return not problems.found


def _catalog() -> Catalog:
    node = plant({"apiVersion": "modelmill.dev/v1alpha1", "kind": "Project"}, LOWER)
    project: Any = ProjectDocument.shape().decode(node, Problems(partial=False))
    return build_catalog(project, (), frozenset())


def _layer(draw: Draw) -> dict[str, Any]:
    """Some fields of a spec, bent; a layer is a mapping, and its roles are or are null."""
    names = sorted(SPEC)
    chosen = {draw.pick(names) for _ in range(1 + draw.below(5))}
    layer: dict[str, Any] = bent({name: SPEC[name] for name in sorted(chosen)}, draw)
    if not isinstance(layer.get("roles"), dict | None):
        layer["roles"] = None
    return layer


def _holds(upper: Node, merged: Node) -> None:
    if not isinstance(upper.value, dict):
        assert merged.value == upper.value, "what the upper layer says does not hold"
        return
    for key, node in upper.value.items():
        _holds(node, merged.value[key])


def _shown(node: Node) -> str:
    value = node.value
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{_shown(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_shown, value)) + "]"
    return repr(value)
