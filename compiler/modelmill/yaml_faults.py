"""What makes a file no YAML at all: bytes that are not text, and what the parser complains of.

In: the file's bytes, or the parser's own error. Out: its text, or a diagnostic in words for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelmill.diagnostics import CompileError, Diagnostic, Fix, Note, Span, cut, error
from modelmill.libyaml import YAMLError
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

# What git leaves where two sides changed the same lines.
_conflict = regex(r"^(<{7}|>{7}) .*$", re.MULTILINE)


class Complaint(NamedTuple):
    """`at_start`: the place to show is where the broken thing begins, not where it was noticed."""

    message: str
    hint: str = ""
    at_start: bool = False


_INDENT = "check how far this line and the ones above are indented"
_QUOTE = "put quotes around a value that holds this character"

COMPLAINTS: Mapping[str, Complaint] = {
    "mapping values are not allowed in this context": Complaint(
        "a `:` stands where no key can be",
        "put quotes around a value that holds `: `, or check the indentation",
    ),
    "did not find expected key": Complaint("a `key: value` is expected here", _INDENT),
    "could not find expected ':'": Complaint(
        "this is not a `key: value`", "a `:` and a blank are missing", at_start=True
    ),
    "did not find expected '-' indicator": Complaint(
        "a `- ` for the next entry is expected here", _INDENT
    ),
    "did not find expected ',' or ']'": Complaint(
        "a list in brackets is not closed: `,` or `]` is expected here"
    ),
    "did not find expected ',' or '}'": Complaint(
        "a mapping in braces is not closed: `,` or `}` is expected here"
    ),
    "found unexpected end of stream": Complaint(
        "this string has no end", "close the quote", at_start=True
    ),
    "found unexpected document indicator": Complaint(
        "this string has no end", "close the quote", at_start=True
    ),
    "found character that cannot start any token": Complaint(
        "no value can begin with this character", _QUOTE
    ),
    "found unknown escape character": Complaint(
        "no such escape in a string with double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    "block sequence entries are not allowed in this context": Complaint(
        "a `- ` entry cannot stand here", "begin the list on a line of its own"
    ),
}

BEGINNINGS: Mapping[str, str] = {
    "while parsing a flow mapping": "the mapping",
    "while parsing a flow sequence": "the list",
    "while parsing a block mapping": "the mapping",
    "while parsing a block collection": "the list",
    "while scanning a quoted scalar": "the string",
}
"""What was being read when the fault was noticed."""


def text_of(path: str, data: bytes) -> str:
    """The file as text; raises where it is not plain UTF-8."""
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


def syntax_error(path: str, text: str, fault: YAMLError) -> Diagnostic:
    """The parser's error at the place where a person would look for it."""
    conflict = _conflict.search(text)
    if conflict is not None:
        number = text.count("\n", 0, conflict.start()) + 1
        hint = "choose a side, or write what both mean, and take the marks out"
        return error("Y117", "a merge is in conflict here", Span(path, number, 1, 7), hint)
    mark = getattr(fault, "problem_mark", None)
    if mark is None:  # the reader's own error: a character YAML does not allow
        return _odd_character(path, text, getattr(fault, "position", 0) or 0)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: mark.column + 1]:
        span = Span(path, mark.line + 1, line.index("\t") + 1)
        return error("Y102", "YAML does not allow a tab for indentation", span, "use spaces")
    problem = str(getattr(fault, "problem", None) or fault)
    said = COMPLAINTS.get(problem, Complaint(f"not valid YAML: {problem}"))
    start = getattr(fault, "context_mark", None)
    begins = BEGINNINGS.get(str(getattr(fault, "context", "")))
    if said.at_start and start is not None:
        mark, begins = start, None
    notes = []
    if begins and start is not None and start.line != mark.line:
        notes = [Note(f"{begins} begins here", Span(path, start.line + 1, start.column + 1))]
    span = Span(path, mark.line + 1, mark.column + 1)
    return error("Y101", said.message, span, said.hint, notes)


def _odd_character(path: str, text: str, position: int) -> Diagnostic:
    before = text[:position]
    column = position - (before.rfind("\n") + 1) + 1
    return error(
        "Y114",
        f"YAML does not allow the character U+{ord(text[position : position + 1] or ' '):04X}",
        Span(path, before.count("\n") + 1, column),
        "take it out",
    )


TRUE, FALSE = ("y", "yes", "on", "true"), ("n", "no", "off", "false")


def readings(text: str) -> tuple[Fix, ...]:
    """What an ambiguous plain scalar may have been meant to be, each written so that it is that."""
    lowered = text.lower()
    word = "true" if lowered in TRUE else "false" if lowered in FALSE else None
    # Of any other only a field for text decides: two numbers are as good where it may be one.
    meant = [f'"{text}"', word] if word else [f'"{text}"', "0", "1"]
    return tuple(Fix(text, each) for each in meant)


def unambiguous(text: str) -> str:
    """How to write a plain scalar that readers of YAML take for different things."""
    lowered = text.lower()
    if lowered in ("y", "yes", "on"):
        return f'write true, or "{text}" for the string'
    if lowered in ("n", "no", "off"):
        return f'write false, or "{text}" for the string'
    if ":" in text or text.count("-") > 1:
        return f'write "{cut(text)}"'
    return f'write "{cut(text)}" for the string, or the number in plain digits'
