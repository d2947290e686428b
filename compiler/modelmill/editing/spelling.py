"""How a new value is written among what stands there already.

In: plain data. Out: YAML text, in one line or as lines of a block. The scalars are those of
`yamltext`, so that no reader takes one for another type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.yamltext import dump, scalar

WIDEST = 100


def inline(value: Any) -> str:
    """The value on one line, as it may stand anywhere."""
    if isinstance(value, Mapping):
        inside = (f"{_text(key)}: {inline(each)}" for key, each in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    return dump([value]).removeprefix("- ").rstrip("\n")


def pair(key: str, value: Any) -> str:
    """A key and its value on one line."""
    return f"{_text(key)}: {inline(value)}"


def pair_lines(key: str, value: Any) -> list[str]:
    """A key and its value as lines of a block."""
    return dump({key: value}).removesuffix("\n").split("\n")


def needs_lines(value: Any) -> bool:
    """Whether a string is better read below `|`."""
    return isinstance(value, str) and len(pair_lines("a", value)) > 1


def indented(lines: Iterable[str], column: int) -> list[str]:
    return [" " * column + line if line else line for line in lines]


def _text(text: str) -> str:
    """A comma ends a plain scalar in braces."""
    written = scalar(text)
    is_plain = written[0] not in "\"'"
    return json.dumps(text, ensure_ascii=False) if is_plain and "," in written else written
