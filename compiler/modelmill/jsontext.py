"""JSON that somebody else wrote, as data.

In: text or bytes. Out: data, or a ValueError for all that cannot be read: what is no JSON, what
only Python takes for JSON (NaN), and nesting that would end in Python's own stack.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_DEPTH = 64
_opening = ("[", "{")


def read_json(text: str | bytes) -> Any:
    try:
        value = json.loads(text, parse_constant=_refused)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    written = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    # Fewer brackets than levels cannot nest deeper; most texts are not walked at all.
    if sum(map(written.count, _opening)) > MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    if level:
        raise ValueError("it is nested too deep")


def _refused(word: str) -> NoReturn:
    raise ValueError(f"`{word}` is not JSON")
