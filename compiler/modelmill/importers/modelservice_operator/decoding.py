"""What a document says as the operator's Go types take it.

In: a positioned tree and the name of a type. Out: plain values without what the type does not know,
and findings. The operator reads as sigs.k8s.io/yaml does, not strict.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from modelmill import gotypes
from modelmill.diagnostics import Diagnostic, did_you_mean, warning
from modelmill.gotypes import Decoded, Vocabulary
from modelmill.gotypes.scalars import written
from modelmill.importers import carried
from modelmill.importers.documents import Words
from modelmill.tree import Node

WORDS = Words("I831", "I835", "the operator")


def decode(node: Node, kind: str, *, zeros: bool) -> Decoded:
    """The node as a `kind` of types.txt, or a list of them as `kind[]`; `zeros` as for gotypes."""
    return gotypes.decode(node, kind, _vocabulary(), zeros=zeros)


@cache
def _vocabulary() -> Vocabulary:
    return Vocabulary(gotypes.read_types(__package__), "I834", _ignored, spelt=_spelt)


def _spelt(value: Any) -> str:
    """A scalar as text, which knows the reference that a number came from."""
    if isinstance(value, carried.Number):
        return carried.text(written(int(value)), value.reference)
    return written(value)


def _ignored(node: Node, key: str, kind: str) -> Diagnostic:
    types = _vocabulary().types
    hint = did_you_mean(key, types[kind])
    if not hint and kind == "ContainerSpec" and key in types["Container"]:
        hint = "a ModelService cannot set it; set it for the container in the BaseConfig"
    if not hint and kind == "PDSpec" and key in types["PodSpec"]:
        hint = "a ModelService cannot set it; set it for the pod in the BaseConfig"
    message = f"`{key}` is no field of a {kind}: the operator ignores it"
    return warning("I835", message, node.key_span, hint)
