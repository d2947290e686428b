"""YAML text to a positioned tree.

In: the bytes of one file. Out: one tree, or a CompileError with all that is wrong with the text.
Reads the part of YAML that every reader agrees on: no aliases, no tags, one document, string keys,
no plain scalar that YAML 1.1 and 1.2 read differently. Iterative, so hostile nesting ends at
MAX_DEPTH instead of in the C parser's stack (yaml/libyaml#287).
"""

from __future__ import annotations

import re
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
    StreamEndEvent,
)

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, error
from modelmill.tree import Node, Place

MAX_DEPTH = 64
MAX_NODES = 100_000
LARGEST = 1 << 53

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Booleans and merge keys of YAML 1.1, which PyYAML and older Go readers follow; strings in 1.2.
AMBIGUOUS_WORDS = frozenset(
    ["y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "=", "<<", ".nan", ".NaN", ".NAN"]
)
_integer = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z").match
_hexadecimal = re.compile(r"0x[0-9a-fA-F]+\Z").match
_number = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?\Z").match
_ambiguous = re.compile(
    r"""( [-+]?0[0-7_]+ | [-+]?0o[0-7]+ | [-+]?0b[01_]+ | [-+]?0x[0-9a-fA-F_]*_[0-9a-fA-F_]*
        | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?            # 12:30 is 750 in YAML 1.1
        | [-+]?[0-9]+(_[0-9_]*)+ | [-+]?0[0-9]+
        | [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+        # 1e3 is a string in YAML 1.1
        | [-+]?\.(inf|Inf|INF)
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)? )\Z""",
    re.VERBOSE,
).match
# kustomize turns U+0085 into a space and fails on the other controls (measured, v5.8).
_control = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]").search
_NUMBER_START = frozenset("-+.0123456789")


def parse(path: str, data: bytes) -> Node:
    """The file's one document, always a mapping."""
    text = _decode(path, data)
    problems: list[Diagnostic] = []
    try:
        root = _Builder(path, problems).build(text)
    except yaml.YAMLError as fault:
        problems.append(_syntax_error(path, text, fault))
        raise CompileError(problems) from None
    if problems or root is None:
        raise CompileError(problems)
    return root


class _Builder:
    """One pass over the parser's events; keeps the open collections on a stack of its own."""

    def __init__(self, path: str, problems: list[Diagnostic]) -> None:
        self.path = path
        self.problems = problems
        self.nodes = 0

    def build(self, text: str) -> Node | None:
        next_event = _events(text)
        root: Node | None = None
        documents = 0
        stack: list[tuple[Node, bool]] = []  # open collection, is it a mapping
        pending: tuple[str, Place] | None = None  # key read, its value not yet
        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                place = self._place(event)
                if stack and stack[-1][1] and pending is None:
                    pending = self._key(event, place)
                    continue
                node = Node(self._scalar(event, place), place, pending and pending[1])
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                place = self._place(event)
                if stack and stack[-1][1] and pending is None:
                    self._stop("Y112", "a mapping's key must be a plain word or a string", place)
                if len(stack) >= MAX_DEPTH:
                    self._stop("Y106", f"nested deeper than {MAX_DEPTH} levels", place)
                self._plain_only(event, place)
                is_mapping = kind is MappingStartEvent
                node = Node({} if is_mapping else [], place, pending and pending[1])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                stack.pop()
                continue
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._stop("Y111", "a file holds one document", self._place(event))
                continue
            elif kind is AliasEvent:
                self._stop(
                    "Y104",
                    "aliases are not supported",
                    self._place(event),
                    "write the value out, or put what is shared into a preset",
                )
            elif kind is StreamEndEvent:
                return self._root(root)
            else:
                continue
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self._stop("Y116", f"more than {MAX_NODES} values in one file", node.place)
            if not stack:
                root = node
            elif stack[-1][1]:
                assert pending is not None
                self._add(stack[-1][0].value, pending, node)
                pending = None
            else:
                stack[-1][0].value.append(node)
            if kind is not ScalarEvent:
                stack.append((node, kind is MappingStartEvent))

    def _root(self, root: Node | None) -> Node | None:
        if root is None or root.value is None:
            self.problems.append(error("Y113", "the file is empty", Span(self.path, 1, 1)))
        elif not isinstance(root.value, dict):
            self.problems.append(
                error("Y113", "the document must be a mapping of keys to values", root.span)
            )
        return root

    def _add(self, entries: dict[str, Node], key: tuple[str, Place], node: Node) -> None:
        first = entries.get(key[0])
        if first is None:
            entries[key[0]] = node
            return
        self.problems.append(
            error(
                "Y103",
                f"the key `{key[0]}` stands twice in one mapping",
                Span(*key[1]),
                notes=[Note("first set here", first.key_span)],
            )
        )

    def _key(self, event: Any, place: Place) -> tuple[str, Place]:
        if event.implicit[0]:
            if event.value in WORDS and WORDS[event.value] is None:
                self._stop("Y112", "a mapping's key must not be empty or null", place)
            self._check_ambiguous(event.value, place)
        else:
            self._check_text(event, place)
        return event.value, place

    def _scalar(self, event: Any, place: Place) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            self._check_text(event, place)
            return text
        if event.anchor is not None or event.tag is not None:
            self._plain_only(event, place)
        if text in WORDS:
            return WORDS[text]
        first = text[0]
        if first in _NUMBER_START:
            if _integer(text):
                return self._exact(int(text) if len(text) < 20 else LARGEST + 1, text, place)
            if _hexadecimal(text):
                return self._exact(int(text, 16), text, place)
            if _number(text) and text not in ("-.", "+.", "."):
                return float(text)
        self._check_ambiguous(text, place)
        return text

    def _exact(self, number: int, text: str, place: Place) -> int:
        if abs(number) > LARGEST:
            self.problems.append(
                error(
                    "Y110",
                    f"`{text}` is too large: JSON readers round numbers above 2^53",
                    Span(*place),
                    f'write "{text}" if it is a string',
                )
            )
        return number

    def _check_ambiguous(self, text: str, place: Place) -> None:
        if text in AMBIGUOUS_WORDS or (text[0] in _NUMBER_START and _ambiguous(text)):
            self.problems.append(
                error(
                    "Y110",
                    f"YAML readers disagree on what `{text}` means",
                    Span(*place),
                    _unambiguous(text),
                )
            )

    def _check_text(self, event: Any, place: Place) -> None:
        self._plain_only(event, place)
        if _control(event.value):
            self.problems.append(
                error("Y114", "control characters are not allowed in values", Span(*place))
            )

    def _plain_only(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            self._stop(
                "Y104",
                "anchors are not supported",
                place,
                "write the value out, or put what is shared into a preset",
            )
        if event.tag is not None and event.tag != "!":
            self.problems.append(
                error(
                    "Y105",
                    f"the tag `{_short_tag(event.tag)}` is not supported",
                    Span(*place),
                    'a quoted value is a string: "…"',
                )
            )

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return (self.path, start.line + 1, start.column + 1, width if width > 0 else 1)

    def _stop(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Report a fault after which the rest of the file cannot be read sensibly."""
        raise CompileError([*self.problems, error(code, message, Span(*place), hint)])


def _events(text: str) -> Any:
    try:
        from yaml._yaml import CParser
    except ImportError:  # a platform without libyaml: same events, slower
        return yaml.SafeLoader(text).get_event
    return CParser(text).get_event


def _decode(path: str, data: bytes) -> str:
    if data[:3] == b"\xef\xbb\xbf":
        raise CompileError(
            [
                error(
                    "Y108",
                    "the file starts with a byte order mark",
                    Span(path, 1, 1),
                    "save it as UTF-8 without BOM",
                )
            ]
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        before = data[: fault.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise CompileError(
            [
                error(
                    "Y107",
                    "the file is not valid UTF-8",
                    Span(path, line, column),
                    "save it as UTF-8",
                )
            ]
        ) from None


def _syntax_error(path: str, text: str, fault: yaml.YAMLError) -> Diagnostic:
    mark = getattr(fault, "problem_mark", None)
    problem = getattr(fault, "problem", None) or getattr(fault, "reason", None) or str(fault)
    context = getattr(fault, "context", None)
    if mark is None:  # the reader's own error: a character YAML does not allow
        position = getattr(fault, "position", 0) or 0
        before = text[:position]
        span = Span(path, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
        return error("Y114", "the file holds a character that YAML does not allow", span)
    span = Span(path, mark.line + 1, mark.column + 1)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: mark.column + 1]:
        column = line.index("\t") + 1
        return error(
            "Y102",
            "YAML does not allow a tab for indentation",
            Span(path, mark.line + 1, column),
            "use spaces",
        )
    notes = []
    start = getattr(fault, "context_mark", None)
    if context and start is not None and start.line != mark.line:
        notes = [Note(str(context), Span(path, start.line + 1, start.column + 1))]
    return error("Y101", f"not valid YAML: {problem}", span, notes=notes)


def _unambiguous(text: str) -> str:
    lowered = text.lower()
    if lowered in ("y", "yes", "on"):
        return f'write true, or "{text}" for the string'
    if lowered in ("n", "no", "off"):
        return f'write false, or "{text}" for the string'
    return f'write "{text}" for the string, or the number in plain digits'


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
