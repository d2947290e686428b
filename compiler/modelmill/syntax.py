"""YAML text to a positioned tree.

In: the bytes of one file. Out: one tree, or a CompileError with all that is wrong with the text.
Reads the part of YAML that every reader agrees on: no aliases, no tags, one document, string keys,
no plain scalar that YAML 1.1 and 1.2 read differently. Iterative, so hostile nesting ends at
MAX_DEPTH instead of in the C parser's stack (yaml/libyaml#287).
"""

from __future__ import annotations

from math import isinf
from typing import Any

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, cut, error
from modelmill.libyaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
    events_of,
)
from modelmill.regexes import regex
from modelmill.tree import Node, Place
from modelmill.yaml_faults import readings, syntax_error, text_of, unambiguous
from modelmill.yaml_words import (
    NUMBER_START,
    SPECIAL,
    WORDS,
    integer,
    is_ambiguous,
    is_fraction,
    is_hexadecimal,
    is_plain_key,
    usual_key,
)

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_KEY = 330  # an annotation's key has at most 253 + 1 + 63
MOST_PROBLEMS = 1000
"""After so many nobody reads on."""
LARGEST = 1 << 53
_EXACT = len(str(LARGEST))
"""A number with fewer characters is below it."""

# kustomize turns U+0085 into a space and fails on the other controls (measured, v5.8).
_control = regex("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


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
    except YAMLError as fault:
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
        self.documents = 0

    def build(self, text: str) -> Node | None:
        """One loop that calls nothing of ours for what is usual: a file's cost is here."""
        next_event, path, nodes = events_of(text), self.path, 0
        root: Node | None = None
        stack: list[Any] = []  # the open collections
        inside: Any = None  # the innermost of them
        key: str | None = None  # read, its value not yet
        key_place: Place | None = None
        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                start, end = event.start_mark, event.end_mark
                line, column = start.line, start.column
                width = end.column - column if end.line == line else 1
                place = (path, line + 1, column + 1, width if width > 0 else 1)
                value = event.value
                is_plain = event.implicit[0] and event.anchor is None
                if key is None and type(inside) is dict:
                    key = (is_plain and usual_key(value)) or self._key(event, place)
                    key_place = place
                    continue
                if not is_plain or value[:1] in NUMBER_START or value in SPECIAL:
                    value = self._scalar(event, place)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                start = event.start_mark
                place = (path, start.line + 1, start.column + 1, 1)
                wants_key = key is None and type(inside) is dict
                if wants_key or event.anchor or event.tag or len(stack) >= MAX_DEPTH:
                    self._check_opened(event, len(stack), wants_key=wants_key)
                value = {} if kind is MappingStartEvent else []
                stack.append(value)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                stack.pop()
                inside = stack[-1] if stack else None
                continue
            elif kind is StreamEndEvent:
                return self._root(root)
            else:
                self._between(event, kind)
                continue
            node = Node(value, place, key_place)
            nodes += 1
            if nodes > MAX_NODES:
                self._stop("Y116", f"more than {MAX_NODES} values in one file", place)
            if key is not None:
                if key in inside:
                    self._twice(key, key_place or place, inside[key])
                else:
                    inside[key] = node
                key = key_place = None
            elif inside is None:
                root = node
            else:
                inside.append(node)
            if kind is not ScalarEvent:
                inside = value

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

    def _check_opened(self, event: Any, depth: int, *, wants_key: bool) -> None:
        place = self._place(event)
        if wants_key:
            self._stop("Y112", "a mapping's key must be a plain word or a string", place)
        if depth >= MAX_DEPTH:
            self._stop("Y106", f"nested deeper than {MAX_DEPTH} levels", place)
        self._plain_only(event, place)

    def _root(self, root: Node | None) -> Node | None:
        if root is None or root.value is None:
            span = Span(self.path, 1, 1)
            self.problems.append(error("Y113", "the file is empty", span, "fill it, or delete it"))
        return root

    def _twice(self, key: str, place: Place, first: Node) -> None:
        self._report(
            error(
                "Y103",
                f"the key `{key}` stands twice in one mapping",
                Span(*place),
                "keep one of them",
                notes=[Note("first set here", first.key_span)],
            )
        )

    def _key(self, event: Any, place: Place) -> str:
        if event.implicit[0]:
            self._plain_only(event, place)
            if event.value in WORDS and WORDS[event.value] is None:
                self._stop(
                    "Y112",
                    "a mapping's key must not be empty or null",
                    place,
                    f'write "{event.value}" for the string' if event.value else "",
                )
            if not is_plain_key(event.value):
                self._check_ambiguous(event.value, place)
        else:
            self._check_text(event, place)
        if len(event.value) > MAX_KEY or not event.value.isprintable():
            message = f"a mapping's key has at most {MAX_KEY} characters, all of them visible"
            self._stop("Y112", message, place)
        text: str = event.value
        return text

    def _scalar(self, event: Any, place: Place) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            self._check_text(event, place)
            return text
        if event.anchor is not None or event.tag is not None:
            self._plain_only(event, place)
        if len(text) < _EXACT and integer.match(text):
            return int(text)
        if text in WORDS:
            return WORDS[text]
        first = text[0]
        if first in NUMBER_START:
            if integer.match(text):
                return self._exact(int(text) if len(text) < 20 else LARGEST + 1, text, place)
            if is_hexadecimal(text):
                return self._exact(int(text, 16), text, place)
            if is_fraction(text):
                return self._finite(float(text), text, place)
        self._check_ambiguous(text, place)
        return text

    def _exact(self, number: int, text: str, place: Place) -> int:
        if abs(number) > LARGEST:
            self._report(
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
            self._report(error("Y110", f"`{cut(text)}` is too large for a number", Span(*place)))
        return number

    def _check_ambiguous(self, text: str, place: Place) -> None:
        if is_ambiguous(text):
            message = f"YAML readers disagree on what `{cut(text)}` means"
            found = error("Y110", message, Span(*place), unambiguous(text))
            self._report(found._replace(fixes=readings(text)))

    def _check_text(self, event: Any, place: Place) -> None:
        self._plain_only(event, place)
        if _control.search(event.value):
            self._report(
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
            self._report(
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
        return (self.path, start.line + 1, start.column + 1, max(width, 1))

    def _report(self, found: Diagnostic) -> None:
        self.problems.append(found)
        if len(self.problems) > MOST_PROBLEMS:
            raise CompileError(self.problems)

    def _stop(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Report a fault after which the rest of the file cannot be read sensibly."""
        raise CompileError([*self.problems, error(code, message, Span(*place), hint)])


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
