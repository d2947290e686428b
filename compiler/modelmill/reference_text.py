"""`${…}` as it stands in a string: what is referred to, by which function.

In: a string. Out: its references, or a ReferenceFault that says why there is none. Never: what a
path leads to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from modelmill.diagnostics import cut
from modelmill.dotted import parse_path
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-"),
    "basename": lambda text: text.rstrip("/").rsplit("/", 1)[-1],
}
"""Functions of one string: `${slug(model.name)}`. `json` takes any value."""

_piece = regex(r"\$\$\{|\$\{([^}]*)\}?")
_expression = regex(r"(?:([a-z]+)\(([^()]*)\)|([^()]*))")


class Reference(NamedTuple):
    """A function, "" for none, and a path, also as it is written."""

    function: str
    path: tuple[str | int, ...]
    text: str


class ReferenceFault(Exception):
    """A reference that cannot be resolved; becomes a diagnostic at the string that holds it."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


@lru_cache(maxsize=1024)
def pieces(text: str) -> tuple[re.Match[str], ...]:
    """The references of a string, and what is escaped to look like one, whose group 1 is None."""
    return tuple(_piece.finditer(text))


@lru_cache(maxsize=1024)
def parse(piece: re.Match[str]) -> Reference:
    """`${fn(path)}` or `${path}` as written."""
    written = cut(piece.group(0))
    if not piece.group(0).endswith("}"):
        message, hint = f"`{written}` has no closing brace", "a literal `${` is written `$${`"
        raise ReferenceFault("R306", message, hint)
    matched = _expression.fullmatch(piece.group(1).strip())
    function, argument, bare = matched.groups() if matched else (None, None, None)
    text = argument.strip() if argument is not None else bare
    path = parse_path(text) if text else None
    if path is None:
        hint = "write ${path.to.value}; a literal `${` is written `$${`"
        raise ReferenceFault("R306", f"`{written}` is not a reference", hint)
    return Reference(function or "", path, str(text))


def referred(text: str) -> tuple[tuple[str, tuple[str | int, ...]], ...]:
    """The references in a string that is known to resolve: each as it is written, and its path."""
    found = [piece for piece in pieces(text) if piece.group(1) is not None]
    return tuple((piece.group(0), parse(piece).path) for piece in found)
