"""One values file to a positioned tree, with anchors, aliases and merge keys.

In: a file's name and bytes. Out: its tree and its comments, or a CompileError with all that is
wrong. Iterative and bounded: hostile nesting or aliases end in a diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, error
from modelmill.gotypes.scalars import written
from modelmill.gotypes.yaml_scalars import resolved
from modelmill.importers.helm.comments import Comment, Entry, Extent, Path, comments_of
from modelmill.tree import Node, Place
from modelmill.tuples import NamedTuple
from modelmill.yaml_faults import syntax_error, text_of

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 100_000

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"
_BOM = b"\xef\xbb\xbf"


class File(NamedTuple):
    """One file as it stands: its tree, and its comments by path."""

    root: Node
    comments: Mapping[Path, Comment]


class _Sized(NamedTuple):
    """A node with the number of values and the depth it stands for once aliases are followed."""

    node: Node
    size: int
    depth: int


class _Open:
    """A collection whose end has not come."""

    def __init__(self, node: Node, path: Path, anchor: str | None, inline: bool) -> None:
        self.node = node
        self.inline = inline
        self.path = path
        self.anchor = anchor
        self.key: tuple[str, Place] | None = None
        self.merged: list[Node] = []
        self.size = 1
        self.depth = 1

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node.value, dict)


def read_file(name: str, data: bytes) -> File:
    """The file's one document; an empty file is an empty mapping."""
    if len(data) > MAX_BYTES:
        message = f"a values file may have {MAX_BYTES >> 20} MiB; this one is larger"
        raise CompileError([error("I801", message, Span(name, 1, 1))])
    builder = _Builder(name)
    try:
        text = text_of(name, data.removeprefix(_BOM))
    except CompileError as fault:
        raise CompileError(map(_as_import, fault.diagnostics)) from None
    try:
        builder.build(_events(text))
    except yaml.YAMLError as fault:
        raise CompileError(
            [*builder.problems, _as_import(syntax_error(name, text, fault))]
        ) from None
    if builder.problems:
        raise CompileError(builder.problems)
    root = builder.root or Node({}, (name, 1, 1, 1))
    if root.value is None:
        root = Node({}, root.place)
    if not isinstance(root.value, dict):
        hint = "write `key: value` lines, as in the chart's own values.yaml"
        raise CompileError([error("I801", "a values file must be a mapping", root.span, hint)])
    return File(root, comments_of(text, builder.entries, builder.extents))


def _as_import(fault: Diagnostic) -> Diagnostic:
    return fault._replace(code="I801")


def _events(text: str) -> Iterator[Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    return events


class _Builder:
    """One pass over the parser's events, with the open collections on a stack of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Diagnostic] = []
        self.entries: list[Entry] = []
        self.extents: list[Extent] = []
        self.root: Node | None = None
        self.anchors: dict[str, _Sized | None] = {}
        self.stack: list[_Open] = []
        self.documents = 0

    def build(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._start(event)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                self._end()
            elif isinstance(event, AliasEvent):
                self._alias(event)
            elif isinstance(event, DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    hint = "move what follows into a file of its own, and pass both"
                    self._stop("a values file holds one document", self._place(event), hint)

    def _scalar(self, event: Any) -> None:
        start, end, block = event.start_mark, event.end_mark, event.style in ("|", ">")
        self.extents.append(Extent(start.line, start.column, end.line, end.column, block))
        place = self._place(event)
        if self.stack and self.stack[-1].is_mapping and self.stack[-1].key is None:
            self._key(event, place)
            return
        node = Node(self._value(event, place), place)
        self._anchor(event, _Sized(node, 1, 0))
        self._add(_Sized(node, 1, 0), place)

    def _key(self, event: Any, place: Place) -> None:
        plain = event.implicit[0]
        value = resolved(event.value) if plain and event.value != _MERGE else event.value
        if value is None:
            self._stop("a key must not be empty or null", place, "give the key a name")
        self.stack[-1].key = (written(value), place)
        if not (plain and event.value == _MERGE):
            path = (*self.stack[-1].path, written(value))
            self._enter(path, place)

    def _value(self, event: Any, place: Place) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            plain = event.implicit[0] and tag is None
            return resolved(event.value) if plain else event.value
        short = tag.removeprefix(_CORE)
        if short == "str":
            return event.value
        if short in ("int", "float", "bool", "null"):
            return resolved(event.value)
        self._stop(f"the tag `{tag}` is not supported", place, "write the value without a tag")
        return None

    def _start(self, event: Any) -> None:
        place = self._place(event)
        parent = self.stack[-1] if self.stack else None
        if parent and parent.is_mapping and parent.key is None:
            self._stop("a key must be a word or a string, not a list or a mapping", place)
        if len(self.stack) >= MAX_DEPTH:
            self._stop(f"values are nested deeper than {MAX_DEPTH} levels", place)
        if event.tag not in (None, "!", f"{_CORE}map", f"{_CORE}seq"):
            self._stop(f"the tag `{event.tag}` is not supported", place, "leave the tag out")
        if event.anchor:
            self.anchors[event.anchor] = None
        path = self._path_of_next()
        value: Any = {} if isinstance(event, MappingStartEvent) else []
        if parent and not parent.is_mapping:
            self._enter(path, place)
        self.stack.append(_Open(Node(value, place), path, event.anchor, bool(event.flow_style)))

    def _end(self) -> None:
        done = self.stack.pop()
        if done.merged:
            _merge_in(done)
        sized = _Sized(done.node, done.size, done.depth)
        if done.anchor:
            self.anchors[done.anchor] = sized
        self._add(sized, done.node.place)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        if event.anchor not in self.anchors:
            self._stop(f"no anchor `&{event.anchor}` stands above this alias", place)
        sized = self.anchors[event.anchor]
        if sized is None:
            self._stop(f"`*{event.anchor}` stands inside the value it names", place)
            return
        parent = self.stack[-1] if self.stack else None
        if parent and parent.is_mapping and parent.key is None:
            self._stop("a key must be a word or a string, not an alias", place)
        self._add(sized, place)

    def _add(self, sized: _Sized, place: Place) -> None:
        node = sized.node
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += sized.size
        parent.depth = max(parent.depth, sized.depth + 1)
        if parent.size > MAX_NODES or sum(each.size for each in self.stack) > 2 * MAX_NODES:
            self._stop(f"more than {MAX_NODES} values, counting what aliases repeat", place)
        if len(self.stack) + sized.depth > MAX_DEPTH:
            self._stop(f"values are nested deeper than {MAX_DEPTH} levels", place)
        if not parent.is_mapping:
            if not isinstance(node.value, dict | list):
                path = (*parent.path, len(parent.node.value))
                self._enter(path, place)
            parent.node.value.append(node)
            return
        assert parent.key
        (key, key_place), parent.key = parent.key, None
        if key == _MERGE:
            parent.merged.append(node)
            self._check_merge(node, place)
        elif (first := parent.node.value.get(key)) is not None:
            self.problems.append(_repeated(key, key_place, first))
        else:
            parent.node.value[key] = Node(node.value, node.place, key_place)

    def _check_merge(self, node: Node, place: Place) -> None:
        merged = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(each.value, dict) for each in merged):
            hint = "name a mapping, or a list of mappings, after `<<:`"
            self._stop("`<<` takes in mappings only", place, hint)

    def _enter(self, path: Path, place: Place) -> None:
        inline = any(each.inline for each in self.stack)
        self.entries.append(Entry(path, place[1], place[2], inline))

    def _path_of_next(self) -> Path:
        if not self.stack:
            return ()
        parent = self.stack[-1]
        if parent.is_mapping:
            return (*parent.path, parent.key[0] if parent.key else "")
        return (*parent.path, len(parent.node.value))

    def _anchor(self, event: Any, sized: _Sized) -> None:
        if event.anchor:
            self.anchors[event.anchor] = sized

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        one_line = end.line == start.line and end.column > start.column
        width = end.column - start.column if one_line else 1
        return (self.name, start.line + 1, start.column + 1, width)

    def _stop(self, message: str, place: Place, hint: str = "") -> None:
        raise CompileError([*self.problems, error("I801", message, Span(*place), hint)])


def _merge_in(mapping: _Open) -> None:
    """What `<<` names, under the mapping's own keys; of several, the first one wins."""
    own = mapping.node.value
    for each in mapping.merged:
        for source in each.value if isinstance(each.value, list) else [each]:
            for key, node in source.value.items():
                own.setdefault(key, node)


def _repeated(key: str, place: Place, first: Node) -> Diagnostic:
    return error(
        "I801",
        f"the key `{key}` stands twice in one mapping",
        Span(*place),
        "keep one of them: Helm uses the last and says nothing",
        [Note("first set here", first.key_span)],
    )
