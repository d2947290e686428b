"""One value as one line for a person.

In: plain data. Out: text without control characters, cut where it is too long to read. A string
that could be taken for another type is quoted.
"""

from __future__ import annotations

import json
from typing import Any

from modelmill.reports.wording import visible
from modelmill.yaml_words import WORDS

WIDEST = 300


def shown(value: Any, widest: int = WIDEST) -> str:
    text = visible(value if isinstance(value, str) and _is_plain(value) else _json(value))
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def counted(count: int, noun: str) -> str:
    """`1 object`, `2 objects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    if text != text.strip() or text in WORDS or text[0] in "[{\"'":
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
