"""What can go wrong in a template, and where.

In: a kind, a sentence, an offset. Out: `TemplateError` with its place in the template's text.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "syntax", "unknown function", "not hermetic", "type error", "fail", "missing", "limit"
]
"""`fail` is the template's own: `fail` and `required`. `missing` is a key, a template or a package
that is not there. `limit` is a bound of `limits`."""


class TemplateError(Exception):
    """A template that cannot be parsed or rendered.

    `name` is the named template the place is in, empty for the one that was parsed. `offset` counts
    characters from 0; `line` and `column` from 1.
    """

    def __init__(self, kind: Kind, message: str, text: str, offset: int, name: str = "") -> None:
        before = text[:offset]
        self.kind = kind
        self.message = message
        self.name = name
        self.offset = offset
        self.line = before.count("\n") + 1
        self.column = offset - (before.rfind("\n") + 1) + 1
        super().__init__(f"{name + ':' if name else ''}{self.line}:{self.column}: {message}")


class NotHermetic(TemplateError):
    """A function whose result depends on more than its arguments: `function` is its name."""

    def __init__(self, function: str, text: str, offset: int, name: str = "") -> None:
        super().__init__(
            "not hermetic",
            f"`{function}` gives another result on another day or machine",
            text,
            offset,
            name,
        )
        self.function = function


class Fault(Exception):
    """What a function raises: the evaluator knows the place and makes a `TemplateError` of it."""

    def __init__(self, message: str, kind: Kind = "type error") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
