"""One thing wrong with an object, told by its place in the object; whoever knows where that was
written makes a finding of it.

In: what a rule found. Out: a Fault, and paths as people read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from modelmill.diagnostics import Fix, Severity
from modelmill.dotted import spell
from modelmill.tuples import NamedTuple

Path: TypeAlias = tuple[str | int, ...]
"""Keys, and places in lists, from the top of an object."""

NAMES = ("name", "containerPort", "mountPath", "key")
"""Keys by whose values entries of lists are called."""


class Fault(NamedTuple):
    """What is wrong at a path. `at_key`: it is the key itself, or what is missing below it."""

    code: str
    path: Path
    message: str
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False
    fixes: tuple[Fix, ...] = ()


def spelled(body: Any, path: Path) -> str:
    """`spec.containers[engine].args[2]`: entries of lists by their names, where they have some."""
    words: list[str | int] = []
    text = ""
    value = body
    for segment in path:
        below = _below(value, segment)
        name = _name(below) if isinstance(segment, int) else ""
        if name:
            text, words = f"{text}{_more(text, words)}[{name}]", []
        else:
            words.append(segment)
        value = below
    return text + _more(text, words)


def at(body: Any, *path: str | int) -> Any:
    """The value at a path of an object; None where there is none."""
    for segment in path:
        body = _below(body, segment)
    return body


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    """The mappings of a list, each with its place in it."""
    found = value if isinstance(value, list) else []
    return [(place, each) for place, each in enumerate(found) if isinstance(each, Mapping)]


def _below(value: Any, segment: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(segment)
    if isinstance(value, list) and isinstance(segment, int) and segment < len(value):
        return value[segment]
    return None


def _name(value: Any) -> str:
    named = mapping(value)
    found = next((named[key] for key in NAMES if isinstance(named.get(key), str | int)), "")
    return str(found)


def _more(text: str, words: list[str | int]) -> str:
    rest = spell(words)
    return f".{rest}" if text and rest and not rest.startswith("[") else rest
