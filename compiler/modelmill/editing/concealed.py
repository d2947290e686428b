"""The text of an input file as it may be shown: without what passes for a secret in it.

In: a text. Out: the same with `*` for every character of such a value. Never: another character
changed, a line moved, or a reference hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from modelmill.diagnostics import CompileError
from modelmill.editing.spots import Path, at, spots
from modelmill.editing.values import written_values
from modelmill.redaction import HIDDEN, hide, literals, shown_key
from modelmill.secret_patterns import masked, starred
from modelmill.syntax import parse


def concealed(path: str, text: str) -> str:
    """The text of the file at `path`."""
    return masked(without_secrets(text, secret_places(path, text)))


def secret_places(path: str, text: str) -> list[tuple[int, int]]:
    """Where a name says that a value is a secret, and where else that value stands, as
    text[start:end]; nothing of what cannot be read."""
    try:
        data = written_values(parse(path, text.encode()))
    except CompileError:
        return []
    root, known = spots(text), literals([data])
    named = (at(root, each) for each in _named(data, hide(data, (), ()), ()))
    found = [(spot.start, spot.end) for spot in named]
    return found + [each.span() for value in known for each in re.finditer(re.escape(value), text)]


def without_secrets(text: str, places: Iterable[tuple[int, int]]) -> str:
    for start, end in places:
        text = text[:start] + starred(text[start:end]) + text[end:]
    return text


def _named(data: Any, shown: Any, above: Path) -> Iterator[Path]:
    """Paths of the texts of which nothing is shown."""
    if isinstance(data, dict):
        for key, value in data.items():
            below = shown[shown_key(key)] if isinstance(shown, dict) else shown
            yield from _named(value, below, (*above, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            below = shown[index] if isinstance(shown, list) else shown
            yield from _named(value, below, (*above, index))
    elif isinstance(data, str) and shown == HIDDEN and "${" not in data:
        yield above
