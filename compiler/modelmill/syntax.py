"""YAML text to a positioned tree.

In: the bytes of one file. Out: one tree, or a CompileError with all that is wrong with the text.
Reads the part of YAML that every reader agrees on: no aliases, no tags, one document, string keys,
no plain scalar that YAML 1.1 and 1.2 read differently. Iterative, so hostile nesting ends at
MAX_DEPTH instead of in the C parser's stack (yaml/libyaml#287).
"""

from __future__ import annotations

import re
from math import isinf
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

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, cut, error
from modelmill.tree import Node, Place
from modelmill.yaml_faults import readings, syntax_error, text_of, unambiguous

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_KEY = 330  # an annotation's key has at most 253 + 1 + 63
MOST_PROBLEMS = 1000
"""After so many nobody reads on."""
LARGEST = 1 << 53

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Booleans and merge keys of YAML 1.1, which PyYAML and older Go readers follow; strings in 1.2.
AMBIGUOUS_WORDS = frozenset(
    {"=", "<<", ".nan", ".NaN", ".NAN"}.union(
        *({word, word.title(), word.upper()} for word in ("y", "n", "yes", "no", "on", "off"))
    )
)
_plain_key = re.compile(r"true|false|0|-?[1-9][0-9]{0,14}").fullmatch
_integer = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z").match
_hexadecimal = re.compile(r"0x[0-9a-fA-F]+\Z").match
_number = re.compile(r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?\Z").match
# What some reader takes for a number or a date; underscores, which some leave out, count as zeros.
_ambiguous = re.compile(
    r"""( [-+]?[0-9]+ | [-+]?0[oObBxX][0-9a-fA-F]+                 # 010 is 8 in YAML 1.1
        | [-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?                   # 12:30 is 750 in YAML 1.1
        | [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?     # 1e3 and -.5 are text in YAML 1.1
        | [-+]?\.(inf|Inf|INF)
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)? )\Z""",
    re.VERBOSE,
).match
# kustomize turns U+0085 into a space and fails on the other controls (measured, v5.8).
_control = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]").search
_NUMBER_START = frozenset("-+.0123456789")
_VALUES = frozenset((ScalarEvent, MappingStartEvent, SequenceStartEvent))


def parse(path: str, data: bytes) -> Node:
    """The file's one document, always a mapping."""
    root = parse_any(path, data)
    if not isinstance(root.value, dict):
        message = "the document must be a mapping of keys to values"
        raise CompileError(
            [error("Y113", message, root.span, "begin with `apiVersion` and `kind`")]
        )
    return root


def parse_any(path: str, data: bytes) -> Node:
    """The file's one document, of any form."""
    text = text_of(path, data)
    problems: list[Diagnostic] = []
    try:
        root = _Builder(path, problems).build(text)
    except yaml.YAMLError as fault:
        problems.append(syntax_error(path, text, fault))
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
        self.documents = 0

    def build(self, text: str) -> Node | None:
        next_event = _events(text)
        root: Node | None = None
        stack: list[tuple[Node, bool]] = []  # open collection, is it a mapping
        pending: tuple[str, Place] | None = None  # key read, its value not yet
        while True:
            event = next_event()
            kind = type(event)
            if kind not in _VALUES:
                if kind is StreamEndEvent:
                    return self._root(root)
                if kind is MappingEndEvent or kind is SequenceEndEvent:
                    stack.pop()
                else:
                    self._between(event, kind)
                continue
            place = self._place(event)
            if stack and stack[-1][1] and pending is None:
                pending = self._key(event, place)
                continue
            if kind is ScalarEvent:
                value = self._scalar(event, place)
            else:
                value = self._opened(event, len(stack), place)
            node = Node(value, place, pending and pending[1])
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self._stop("Y116", f"more than {MAX_NODES} values in one file", place)
            if len(self.problems) > MOST_PROBLEMS:
                raise CompileError(self.problems)
            if not stack:
                root = node
            elif pending is not None:
                self._add(stack[-1][0].value, pending, node)
                pending = None
            else:
                stack[-1][0].value.append(node)
            if kind is not ScalarEvent:
                stack.append((node, kind is MappingStartEvent))

    def _between(self, event: Any, kind: type) -> None:
        """What is neither a value nor the end of one: an alias, or the mark of a document."""
        if kind is AliasEvent:
            hint = "write the value out, or put what is shared into a preset"
            self._stop("Y104", "aliases are not supported", self._place(event), hint)
        if kind is DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                hint = "move what follows into a file of its own"
                self._stop("Y111", "a file holds one document", self._place(event), hint)

    def _opened(self, event: Any, depth: int, place: Place) -> dict[str, Node] | list[Node]:
        """A collection that begins, still empty."""
        if depth >= MAX_DEPTH:
            self._stop("Y106", f"nested deeper than {MAX_DEPTH} levels", place)
        self._plain_only(event, place)
        return {} if type(event) is MappingStartEvent else []

    def _root(self, root: Node | None) -> Node | None:
        if root is None or root.value is None:
            span = Span(self.path, 1, 1)
            self.problems.append(error("Y113", "the file is empty", span, "fill it, or delete it"))
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
                "keep one of them",
                notes=[Note("first set here", first.key_span)],
            )
        )

    def _key(self, event: Any, place: Place) -> tuple[str, Place]:
        if type(event) is not ScalarEvent:
            self._stop("Y112", "a mapping's key must be a plain word or a string", place)
        if event.implicit[0]:
            self._plain_only(event, place)
            if event.value in WORDS and WORDS[event.value] is None:
                self._stop(
                    "Y112",
                    "a mapping's key must not be empty or null",
                    place,
                    f'write "{event.value}" for the string' if event.value else "",
                )
            if not _plain_key(event.value):
                self._check_ambiguous(event.value, place)
        else:
            self._check_text(event, place)
        if len(event.value) > MAX_KEY or not event.value.isprintable():
            message = f"a mapping's key has at most {MAX_KEY} characters, all of them visible"
            self._stop("Y112", message, place)
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
            if _number(text):
                return self._finite(float(text), text, place)
        self._check_ambiguous(text, place)
        return text

    def _exact(self, number: int, text: str, place: Place) -> int:
        if abs(number) > LARGEST:
            self.problems.append(
                error(
                    "Y110",
                    f"`{cut(text)}` is too large: JSON readers round numbers above 2^53",
                    Span(*place),
                    f'write "{cut(text)}" if it is a string',
                )
            )
        return number

    def _finite(self, number: float, text: str, place: Place) -> float:
        if isinf(number):
            self.problems.append(
                error("Y110", f"`{cut(text)}` is too large for a number", Span(*place))
            )
        return number

    def _check_ambiguous(self, text: str, place: Place) -> None:
        is_word = text in AMBIGUOUS_WORDS or text in WORDS
        if is_word or (text[0] in _NUMBER_START and _ambiguous(text.replace("_", "0"))):
            message = f"YAML readers disagree on what `{cut(text)}` means"
            found = error("Y110", message, Span(*place), unambiguous(text))
            self.problems.append(found._replace(fixes=readings(text)))

    def _check_text(self, event: Any, place: Place) -> None:
        self._plain_only(event, place)
        if _control(event.value):
            self.problems.append(
                error(
                    "Y114",
                    "a value must not hold control characters",
                    Span(*place),
                    "take them out: Kubernetes tools read them differently",
                )
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


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
