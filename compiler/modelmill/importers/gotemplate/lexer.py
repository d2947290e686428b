"""The text of a template to tokens (https://pkg.go.dev/text/template#hdr-Text_and_spaces).

In: text. Out: tokens one by one; comments and what trim markers cut away are gone. A token knows
whether blanks stand before it, because `.a .b` is two terms and `.a.b` is one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from modelmill.importers.gotemplate.faults import TemplateError
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

BLANKS = " \t\r\n"

_LEFT = regex(r"\{\{(-(?=[ \t\r\n]))?")
_RIGHT = regex(r"([ \t\r\n]+-)?\}\}")
_BLANKS = regex(r"[ \t\r\n]*")
_TOKEN = regex(
    r"""
      (?P<declare>:=) | (?P<assign>=) | (?P<pipe>\|) | (?P<open>\() | (?P<close>\)) | (?P<comma>,)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*" | `[^`]*`)
    | (?P<character>'(?:[^'\\\n]|\\[^\n])*')
    | (?P<number>[+-]?\.?[0-9](?:[eEpP][+-](?=[0-9])|[\w.])*)
    | (?P<variable>\$\w*) | (?P<field>\.\w+) | (?P<dot>\.) | (?P<word>\w+)
    """,
    re.VERBOSE,
)
_ENDS_WORD = regex(r"[ \t\r\n.,|:()]|\}\}|\Z")
_WORDS = {"variable", "field", "dot", "word"}
_UNFINISHED = {
    '"': "unterminated quoted string",
    "`": "unterminated raw quoted string",
    "'": "unterminated character constant",
    ":": "expected :=",
}


class Token(NamedTuple):
    """`kind` is a group of `_TOKEN`, or `text`, `left`, `right` (the delimiters) or `end`."""

    kind: str
    text: str
    offset: int
    spaced: bool = False


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a template. Raises `TemplateError` where there is none."""
    position = 0
    trims = False
    while (left := _LEFT.search(text, position)) is not None:
        if trims:
            position = _after_blanks(text, position)
        before = text[position : left.start()]
        if left[1]:
            before = before.rstrip(BLANKS)
        if before:
            yield Token("text", before, position)
        inside = left.end() + 1 if left[1] else left.end()
        if text.startswith("/*", inside):
            position, trims = _after_comment(text, inside)
            continue
        yield Token("left", "{{", left.start())
        right = yield from _action(text, left.end(), left.start())
        yield Token("right", "}}", right.start())
        position, trims = right.end(), right[1] is not None
    if trims:
        position = _after_blanks(text, position)
    if position < len(text):
        yield Token("text", text[position:], position)
    yield Token("end", "", len(text))


def _after_blanks(text: str, position: int) -> int:
    matched = _BLANKS.match(text, position)
    return matched.end() if matched else position


def _after_comment(text: str, start: int) -> tuple[int, bool]:
    end = text.find("*/", start + 2)
    if end < 0:
        raise TemplateError("syntax", "the comment has no closing `*/`", text, start)
    right = re.compile(r"([ \t\r\n]-)?\}\}").match(text, end + 2)
    if right is None:
        raise TemplateError("syntax", "only `}}` may stand after a comment", text, start)
    return right.end(), right[1] is not None


def _action(text: str, position: int, start: int) -> Generator[Token, None, re.Match[str]]:
    """The tokens up to the closing delimiter, which is returned."""
    opened: list[int] = []
    while True:
        right = _RIGHT.match(text, position)
        if right is not None:
            break
        begin = _after_blanks(text, position)
        if text.startswith("}}", begin):
            position = begin
            continue
        if begin == len(text):
            raise TemplateError("syntax", "the action has no closing `}}`", text, start)
        token = _token(text, begin, begin > position)
        if token.kind == "open":
            opened.append(begin)
        elif token.kind == "close":
            if not opened:
                raise TemplateError("syntax", "no `(` stands before this `)`", text, begin)
            opened.pop()
        yield token
        position = begin + len(token.text)
    if opened:
        raise TemplateError("syntax", "the `(` has no closing `)`", text, opened[-1])
    return right


def _token(text: str, position: int, spaced: bool) -> Token:
    matched = _TOKEN.match(text, position)
    if matched is None or matched.lastgroup is None:
        char = text[position]
        known = _UNFINISHED.get(char, f"`{char}` does not belong in an action")
        raise TemplateError("syntax", known, text, position)
    kind, end = matched.lastgroup, matched.end()
    if kind in _WORDS and not _ENDS_WORD.match(text, end):
        raise TemplateError("syntax", f"`{text[end]}` cannot stand in a name", text, end)
    return Token(kind, matched[0], position, spaced)
