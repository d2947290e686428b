"""YAML as Kubernetes' tools read it, with the place of every value.

In: text, and where its lines are in a file. Out: its documents as positioned trees, and the keys
that stand twice, of which sigs.k8s.io/yaml keeps the last. Iterative and bounded: hostile nesting
or aliases end in a diagnostic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, error, warning
from modelmill.gotypes.scalars import written
from modelmill.gotypes.yaml_scalars import resolved
from modelmill.importers.helm.reading import MAX_DEPTH, MAX_NODES
from modelmill.tree import Node, Place
from modelmill.tuples import NamedTuple
from modelmill.yaml_faults import syntax_error

At: TypeAlias = Callable[[int, int, int], Place]
"""Line and column, both from 1, and width in the text that is read; where that is in the file."""

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"
_SCALARS = frozenset({"str", "int", "float", "bool", "null"})


class Words(NamedTuple):
    """Codes of what cannot be read and of a key that stands twice, and who keeps the last."""

    unreadable: str
    repeated: str
    reader: str


class Documents(NamedTuple):
    roots: tuple[Node, ...]
    findings: tuple[Diagnostic, ...]


class _Sized(NamedTuple):
    """A node with the number of values and the depth it stands for once aliases are followed."""

    node: Node
    size: int
    depth: int


class _Open:
    """A collection whose end has not come."""

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, Place] | None = None
        self.merged: list[Node] = []
        self.size = 1
        self.depth = 1

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key is None


def in_file(name: str) -> At:
    """Places of a text that is a whole file."""
    return lambda line, column, width: (name, line, column, width)


def read_documents(text: str, at: At, words: Words) -> Documents:
    """The documents of a text; raises CompileError at the first that is wrong."""
    reader = _Reader(at, words)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            reader.take(event)
    except yaml.YAMLError as fault:
        raise CompileError([_moved(syntax_error("", text, fault), at, words)]) from None
    return Documents(tuple(reader.roots), tuple(reader.findings))


def _moved(fault: Diagnostic, at: At, words: Words) -> Diagnostic:
    """A finding whose places are in the text as one whose places are in the file."""

    def moved(span: Span | None) -> Span | None:
        return Span(*at(span.line, span.column, span.width)) if span else None

    notes = tuple(Note(note.message, moved(note.span)) for note in fault.notes)
    return fault._replace(code=words.unreadable, span=moved(fault.span), notes=notes)


class _Reader:
    """One pass over the parser's events, with the open collections on a stack of its own."""

    def __init__(self, at: At, words: Words) -> None:
        self.at = at
        self.words = words
        self.roots: list[Node] = []
        self.findings: list[Diagnostic] = []
        self.anchors: dict[str, _Sized | None] = {}
        self.stack: list[_Open] = []

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._start(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self.anchors = {}

    def _scalar(self, event: Any) -> None:
        place = self._place(event)
        if self.stack and self.stack[-1].wants_key:
            is_merge = event.implicit[0] and event.value == _MERGE
            value = event.value if is_merge else self._value(event, place)
            if value is None:
                self._stop("a key must not be empty or null", place, "give the key a name")
            self.stack[-1].key = (written(value), place)
            return
        sized = _Sized(Node(self._value(event, place), place), 1, 0)
        if event.anchor:
            self.anchors[event.anchor] = sized
        self._add(sized, place)

    def _value(self, event: Any, place: Place) -> Any:
        if event.tag is None or event.tag == "!":
            return resolved(event.value) if event.implicit[0] and not event.tag else event.value
        short = event.tag.removeprefix(_CORE)
        if short not in _SCALARS:
            self._stop(f"the tag `{event.tag}` is not supported", place, "leave the tag out")
        return event.value if short == "str" else resolved(event.value)

    def _start(self, event: Any) -> None:
        place = self._place(event)
        if self.stack and self.stack[-1].wants_key:
            self._stop("a key must be a word or a string, not a list or a mapping", place)
        if len(self.stack) >= MAX_DEPTH:
            self._stop(f"values are nested deeper than {MAX_DEPTH} levels", place)
        if event.anchor:
            self.anchors[event.anchor] = None
        value: Any = {} if isinstance(event, MappingStartEvent) else []
        self.stack.append(_Open(Node(value, place), event.anchor))

    def _end(self) -> None:
        done = self.stack.pop()
        for each in _merged(done):
            for key, node in each.value.items():
                done.node.value.setdefault(key, node)
        sized = _Sized(done.node, done.size, done.depth)
        if done.anchor:
            self.anchors[done.anchor] = sized
        self._add(sized, done.node.place)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        sized = self.anchors.get(event.anchor)
        if sized is None:
            known = event.anchor in self.anchors
            said = "stands inside the value it names" if known else "names no anchor above it"
            self._stop(f"`*{event.anchor}` {said}", place)
        elif self.stack and self.stack[-1].wants_key:
            self._stop("a key must be a word or a string, not an alias", place)
        else:
            self._add(sized, place)

    def _add(self, sized: _Sized, place: Place) -> None:
        if not self.stack:
            self.roots.append(sized.node)
            return
        parent = self.stack[-1]
        parent.size += sized.size
        parent.depth = max(parent.depth, sized.depth + 1)
        if sum(each.size for each in self.stack) > MAX_NODES:
            self._stop(f"more than {MAX_NODES} values, counting what aliases repeat", place)
        if len(self.stack) + sized.depth > MAX_DEPTH:
            self._stop(f"values are nested deeper than {MAX_DEPTH} levels", place)
        if isinstance(parent.node.value, list):
            parent.node.value.append(sized.node)
        else:
            self._set(parent, sized.node, place)

    def _set(self, parent: _Open, node: Node, place: Place) -> None:
        assert parent.key
        (key, key_place), parent.key = parent.key, None
        if key == _MERGE:
            parent.merged.append(node)
            if not all(isinstance(each.value, dict) for each in _merged(parent)):
                self._stop("`<<` takes in mappings only", place)
            return
        first = parent.node.value.get(key)
        if first is not None:
            message = f"`{key}` stands twice in one mapping: {self.words.reader} uses the last"
            note = Note("the one it ignores", first.key_span)
            self.findings.append(
                warning(
                    self.words.repeated, message, Span(*key_place), "take one of them out", [note]
                )
            )
        parent.node.value[key] = Node(node.value, node.place, key_place)

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        one_line = end.line == start.line and end.column > start.column
        width = end.column - start.column if one_line else 1
        return self.at(start.line + 1, start.column + 1, width)

    def _stop(self, message: str, place: Place, hint: str = "") -> None:
        raise CompileError([error(self.words.unreadable, message, Span(*place), hint)])


def _merged(mapping: _Open) -> Iterator[Node]:
    """What `<<` names, the first one to win."""
    for each in mapping.merged:
        yield from each.value if isinstance(each.value, list) else [each]
