"""Literal secrets, kept out of what is shown.

In: plain data of input files or manifests. Out: the literal values that pass for secrets, and data
with these replaced by `***`. Secrets belong behind references; this is for the day somebody forgot.
Never: a judgement whether a value really is one. Names decide, and rather too many than too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from modelmill.regexes import regex
from modelmill.secret_patterns import SHORTEST_RANDOM, masked

HIDDEN = "***"
SHORTEST = 6
"""Shorter literals are hidden where they stand, not wherever the same letters occur."""

_variable = regex(r"TOKEN(?!IZER)|KEY|PASSWORD|SECRET", re.IGNORECASE)
_flag = regex(r"(?:^|[-_])(?:api-?key|key|token|password|secret)\Z", re.IGNORECASE)
_word = regex(r"--([^=\s]+)=(.+)", re.DOTALL)
_NAMED = {"env": _variable, "args": _flag, "flags": _flag}

Path = Sequence[str | int]


def is_secret(path: Path) -> bool:
    """Whether the name a value stands under is a secret's: env.HF_TOKEN, args.api-key."""
    if len(path) < 2 or not isinstance(path[-1], str):
        return False
    named = _NAMED.get(str(path[-2]))
    return named is not None and named.search(path[-1]) is not None


def literals(documents: Iterable[Any]) -> tuple[str, ...]:
    """The values that pass for secrets anywhere in these documents, longest first."""
    found = {text for each in documents for text in _literals(each, ()) if len(text) >= SHORTEST}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def hide(data: Any, path: Path, secrets: Sequence[str]) -> Any:
    """The data at `path` without what passes for a secret."""
    if isinstance(data, dict):
        closed = _closed(data)
        return {
            shown_key(k): HIDDEN if k in closed else hide(v, (*path, k), secrets)
            for k, v in data.items()
        }
    if isinstance(data, list | tuple):
        return [hide(each, (*path, i), secrets) for i, each in enumerate(data)]
    if data is not None and is_secret(path):
        return HIDDEN
    return scrub(data, secrets) if isinstance(data, str) else data


def shown_key(key: Any) -> Any:
    """A key, which may be a token that somebody put into the wrong place."""
    return masked(key) if isinstance(key, str) and len(key) >= SHORTEST_RANDOM else key


def scrub(text: str, secrets: Sequence[str]) -> str:
    matched = _word.fullmatch(text)
    if matched is not None and _flag.search(matched[1]):
        return f"--{matched[1]}={HIDDEN}"
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return masked(text)


def _closed(entries: dict[str, Any]) -> tuple[str, ...]:
    """Keys of a mapping whose values are not shown at all."""
    if entries.get("kind") == "Secret":
        return ("data", "stringData")
    name, value = entries.get("name"), entries.get("value")
    is_variable = isinstance(name, str) and isinstance(value, str)
    return ("value",) if is_variable and _variable.search(str(name)) else ()


def _literals(data: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(data, dict):
        closed = _closed(data)
        for key, value in data.items():
            yield from _strings(value) if key in closed else _literals(value, (*path, key))
    elif isinstance(data, list | tuple):
        for index, each in enumerate(data):
            yield from _literals(each, (*path, index))
    elif isinstance(data, str):
        matched = _word.fullmatch(data)
        if is_secret(path) and "${" not in data:
            yield data
        elif matched is not None and _flag.search(matched[1]):
            yield matched[2]


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, str):
        yield data
