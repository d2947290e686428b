"""Which model files have to be parsed for a command that is about certain models.

In: the models' names or their files, and what else speaks of models by name. Out: whether bytes may
hold one of them. Never: a guess. What cannot be told from the bytes alone may hold any.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from modelmill.catalog import KINDS, Document
from modelmill.regexes import regex
from modelmill.tree import Node
from modelmill.tuples import NamedTuple


class Scope(NamedTuple):
    """Models by their names, and files by their paths; `alone`: with no preset that none of them
    extends."""

    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    alone: bool = False


# A model's first lines in any file that has its keys in the usual order. No key may stand twice.
_is_model = regex(rb"(?:#[^\n]*\n|\r?\n)*+(?:apiVersion: [a-z0-9./]+\r?\n)?kind: Model\r?\n")
_is_preset = regex(rb"(?m)^kind: Preset\r?$")
_preset_name = regex(
    rb"(?m)^metadata:[ \t]*(?:\{[ \t]*|\r?\n[ \t]+)name:[ \t]+"
    rb"[\"']?([a-z0-9][-a-z0-9]*)[\"']?[ \t]*(?:[,}\r\n]|[ \t]#)"
)
_KINDS = tuple(kind.encode() for kind in KINDS if kind != "Model")


def holding(contents: Mapping[str, bytes], names: Collection[str]) -> list[str]:
    """The files that may hold a model of one of these names, or no model."""
    # A backslash may spell any letter in double quotes, or join two lines there. Without one a word
    # is read where all its letters stand together: what else YAML joins, it joins with a blank.
    marks = [b"\\", *(name.encode("utf-8", "replace") for name in names)]
    # A name of digits is a number too, which may be written to another base.
    marks += [b"0x"] if any(name.isdecimal() for name in names) else []
    found = {path for mark in marks for path, data in contents.items() if mark in data}
    is_model = _is_model.match
    others = {path: data for path, data in contents.items() if not is_model(data)}
    found |= {path for kind in _KINDS for path, data in others.items() if kind in data}
    return sorted(found)


def parse_extended(
    documents: Iterable[Document],
    presets: Mapping[str, bytes],
    parse: Callable[[str, bytes], Document | None],
) -> None:
    """Parse the presets behind documents; all of them, where one is not found or has a fault."""
    names: dict[str | None, list[str]] = {}
    for path, data in presets.items():
        names.setdefault(_preset_in(data), []).append(path)
    wanted: list[str | None] = [None, *(name for d in documents for name in _extended(d.node))]
    met: set[str | None] = set()
    while wanted:
        name = wanted.pop()
        if name in met:
            continue
        met.add(name)
        for path in names.get(name, ()):
            found = parse(path, presets[path])
            wanted += _extended(found.node) if found is not None else names
        wanted += names if name is not None and name not in names else ()


def _preset_in(data: bytes) -> str | None:
    """The name of the preset in a file, if that has no fault and is spelt as most are."""
    found = _preset_name.search(data) if _is_preset.search(data) else None
    return found[1].decode() if found is not None else None


def _extended(node: Node) -> Iterator[str]:
    """The presets that a document names, wherever it does."""
    below = node.value
    if isinstance(below, dict):
        entries = below.get("extends")
        for each in entries.value if entries and isinstance(entries.value, list) else ():
            yield str(each.value)
        below = list(below.values())
    for each in below if isinstance(below, list) else ():
        yield from _extended(each)


def spoken_of(documents: Iterable[Document]) -> Scope:
    """The models and files that settings and environments name in their policies."""
    names: set[str] = set()
    paths: set[str] = set()
    for document in documents:
        exempt = document.node.get("policies", "exemptions")
        names.update(exempt.value if exempt is not None else ())
        allowed = document.node.get("policies", "secrets")
        for entry in allowed.value.values() if allowed is not None else ():
            paths.add(str(entry.nearest("file").value))
    return Scope(frozenset(names), frozenset(paths))
