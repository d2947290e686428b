"""What a document says as Go types take it.

In: a positioned tree, the name of a type, and a vocabulary: the types, and how findings are worded.
Out: plain values without what the type does not know, and findings: fields that are ignored, values
that are refused. Follows sigs.k8s.io/yaml: where a vocabulary is not strict, a number where text is
due becomes text, and a key may be in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from modelmill.diagnostics import Diagnostic, cut, error
from modelmill.gotypes.quantities import canonical
from modelmill.gotypes.scalars import written
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple

Types = Mapping[str, Mapping[str, str]]
"""Fields of each type, by name: what stands there, as kubernetes.txt writes it."""

_RANGES = {"int32": 1 << 31, "int64": 1 << 63}
_ZEROS: Mapping[str, Any] = {"text": "", "quantity": "0", "bool": False, "int32": 0, "int64": 0}
_ABSENT = object()


class _Type(NamedTuple):
    """`strict`: below it a number is no text. `wraps` is the rest of the suffixes."""

    name: str
    strict: bool
    wraps: tuple[str, ...]

    @property
    def inner(self) -> _Type:
        return self._replace(wraps=self.wraps[:-1])

    @property
    def wrap(self) -> str:
        return self.wraps[-1] if self.wraps else ""


class Decoded(NamedTuple):
    value: Any
    findings: tuple[Diagnostic, ...]


class Vocabulary(NamedTuple):
    """What files of one tool are read by.

    types       those of kubernetes.txt and the tool's own
    refused     code of a value that cannot be
    unknown     what is found of a key that a type does not have
    strict      whether the server checks types itself: nothing is turned into text, and what must
                be there is asked for
    spelt       a number or truth value as the text it is taken for
    is_partial  whether what is missing may stand elsewhere
    """

    types: Types
    refused: str
    unknown: Callable[[Node, str, str], Diagnostic]
    strict: bool = False
    spelt: Callable[[Any], str] = written
    is_partial: bool = False


def decode(node: Node, kind: str, vocabulary: Vocabulary, *, zeros: bool) -> Decoded:
    """The node as a `kind` of the vocabulary, or a list of them as `kind[]`.

    With `zeros`, a zero that is written down counts; without, it is dropped where Go cannot tell
    it from nothing.
    """
    decoder = _Decoder(vocabulary, zeros)
    value = decoder.value(node, _type(kind), vocabulary.strict, kind.removesuffix("[]"))
    empty = decoder.empty(_type(kind))
    return Decoded(empty if value is _ABSENT else value, tuple(decoder.findings))


@cache
def read_types(package: str) -> Types:
    """Kubernetes' types, and those of the package's own types.txt."""
    (folder,) = import_module(package).__path__
    own = Path(folder, "types.txt").read_text(encoding="utf-8")
    shared = Path(__file__).with_name("kubernetes.txt").read_text(encoding="utf-8")
    return {**_parsed(shared), **_parsed(own)}


def _parsed(text: str) -> dict[str, dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {}
    for paragraph in "\n".join(lines).replace("\n  ", " ").splitlines():
        name, _, said = paragraph.partition(": ")
        found[name] = dict(each.split() for each in said.split(", "))
    return found


@cache
def _type(written_as: str) -> _Type:
    name = written_as.removeprefix("!")
    wraps: list[str] = []
    while name.endswith(("[]", "{}", "?")):
        wrap = "?" if name.endswith("?") else name[-2:]
        wraps.insert(0, wrap)
        name = name.removesuffix(wrap)
    return _Type(name, written_as.startswith("!"), tuple(wraps))


class _Decoder:
    """Gathers findings on the way; `at` is how messages call a place."""

    def __init__(self, vocabulary: Vocabulary, zeros: bool) -> None:
        self.vocabulary = vocabulary
        self.types = vocabulary.types
        self.zeros = zeros
        self.findings: list[Diagnostic] = []

    def empty(self, kind: _Type) -> Any:
        if kind.wrap == "[]":
            return []
        return {} if kind.wrap == "{}" or kind.name in self.types else _ZEROS.get(kind.name)

    def value(self, node: Node, kind: _Type, strict: bool, at: str) -> Any:
        strict = strict or kind.strict
        if node.value is None or kind.name == "dropped":
            return _ABSENT
        if kind.wrap == "[]":
            return self._list(node, kind.inner, strict, at)
        if kind.wrap == "{}":
            return self._mapping(node, kind.inner, strict, at)
        if kind.name in self.types:
            found = self._record(node, kind.name, strict, at)
            return _ABSENT if found == {} and kind.wrap != "?" else found
        if kind.name == "any":
            return plain(node)
        if kind.name == "mapping":
            is_one = isinstance(node.value, dict)
            return plain(node) if is_one else self._refuse(node, at, "a mapping")
        found = self._scalar(node, kind, strict, at)
        is_zero = found is not _ABSENT and found == _ZEROS.get(kind.name, "")
        return _ABSENT if is_zero and kind.wrap != "?" and not self.zeros else found

    def _list(self, node: Node, kind: _Type, strict: bool, at: str) -> Any:
        if not isinstance(node.value, list):
            return self._refuse(node, at, "a list")
        found = [self._item(each, kind, strict, at) for each in node.value]
        return found if found or self.zeros else _ABSENT

    def _mapping(self, node: Node, kind: _Type, strict: bool, at: str) -> Any:
        if not isinstance(node.value, dict):
            return self._refuse(node, at, "a mapping")
        return {
            key: self._item(each, kind, strict, key) for key, each in node.value.items()
        } or _ABSENT

    def _item(self, node: Node, kind: _Type, strict: bool, at: str) -> Any:
        """An entry of a list or mapping, which is there even if it is zero."""
        found = self.value(node, kind._replace(wraps=(*kind.wraps, "?")), strict, at)
        return self.empty(kind) if found is _ABSENT else found

    def _record(self, node: Node, name: str, strict: bool, at: str) -> Any:
        if not isinstance(node.value, dict):
            return self._refuse(node, at, "a mapping")
        known = {key.removesuffix("*"): key for key in self.types[name]}
        folded = {} if self.vocabulary.strict else {key.casefold(): key for key in known}
        found = {}
        for key, each in node.value.items():
            field = key if key in known else folded.get(key.casefold())
            if field is None:
                self.findings.append(self.vocabulary.unknown(each, key, name))
                continue
            value = self.value(each, _type(self.types[name][known[field]]), strict, field)
            if value is not _ABSENT:
                found[field] = value
        self._require(node, name, at)
        return found

    def _require(self, node: Node, name: str, at: str) -> None:
        for key in self.types[name] if not self.vocabulary.is_partial else ():
            if key.endswith("*") and node.child(key[:-1]) is None:
                message = f"`{at}` needs `{key[:-1]}`"
                self.findings.append(error(self.vocabulary.refused, message, node.span))

    def _scalar(self, node: Node, kind: _Type, strict: bool, at: str) -> Any:
        given = node.value
        if isinstance(given, dict | list):
            return self._refuse(node, at, _SAYS[kind.name])
        if kind.name in ("text", "bytes"):
            return self._text(node, strict, at)
        if kind.name == "bool":
            return given if isinstance(given, bool) else self._refuse(node, at, _SAYS["bool"])
        whole = isinstance(given, int) and not isinstance(given, bool)
        if kind.name == "quantity":
            number = whole or isinstance(given, float)
            amount = canonical(written(given)) if number or isinstance(given, str) else None
            return amount if amount is not None else self._refuse(node, at, _SAYS["quantity"])
        if kind.name == "port" and isinstance(given, str):
            return given
        limit = _RANGES.get(kind.name, _RANGES["int32"])
        if whole and -limit <= given < limit:
            return given
        return self._refuse(node, at, _SAYS[kind.name])

    def _text(self, node: Node, strict: bool, at: str) -> Any:
        given = node.value
        if isinstance(given, str):
            return given
        if strict:
            hint = f'put it in quotes: "{written(given)}"'
            return self._refuse(node, at, "text", hint)
        return self.vocabulary.spelt(given)

    def _refuse(self, node: Node, at: str, wanted: str, hint: str = "") -> Any:
        given = "" if isinstance(node.value, dict | list) else f", not `{cut(str(node.value))}`"
        self.findings.append(
            error(self.vocabulary.refused, f"`{at}` must be {wanted}{given}", node.span, hint)
        )
        return _ABSENT


_SAYS = {
    "text": "text",
    "bytes": "text",
    "bool": "true or false",
    "int32": "a whole number",
    "int64": "a whole number",
    "port": "a port's number or name",
    "quantity": "a Kubernetes quantity",
}
