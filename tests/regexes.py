"""Which regular expressions can take more than linear time, told from their syntax trees.

In: a pattern. Out: where two repeats of any length can share a text between them, so that a text
that does not match is tried in as many ways as it has characters, or more. Rather too many than too
few. What stands in a possessive repeat or an atomic group is tried once.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import modelmill
from modelmill import regexes, secret_patterns

PACKAGE = Path(modelmill.__file__).parent
EVERY = frozenset(range(257))
"""Bytes, and one number for all other characters."""
MANY = 64
_AT_ONCE = ("compile", "search", "match", "fullmatch", "sub", "split", "findall", "finditer")
_CLASSES = {
    "CATEGORY_DIGIT": frozenset(map(ord, "0123456789")),
    "CATEGORY_SPACE": frozenset(map(ord, " \t\n\r\f\v")),
    "CATEGORY_WORD": frozenset(c for c in range(256) if chr(c).isalnum()) | {ord("_"), 256},
}


def patterns() -> dict[str, re.Pattern[str]]:
    """Every pattern of the package, by where it is: those that modules hold, and those in calls."""
    found: dict[str, re.Pattern[str]] = {}
    for each in pkgutil.walk_packages([str(PACKAGE)], "modelmill."):
        if each.name.endswith("__main__"):
            continue
        module = import_module(each.name)
        for name, value in vars(module).items():
            for number, pattern in enumerate(_held(value)):
                found[f"{each.name}.{name}[{number}]"] = pattern
        for line, text in _in_calls(module):
            found[f"{each.name}:{line}"] = re.compile(text)
    return found


def _held(value: Any) -> Iterator[re.Pattern[str]]:
    owner = getattr(value, "__self__", None)
    if isinstance(value, regexes._Late):
        value = value.search.__self__  # type: ignore[attr-defined]
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(owner, re.Pattern) and isinstance(owner.pattern, str):
        yield owner
    elif isinstance(value, secret_patterns.Pattern):
        yield re.compile(value.form)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _held(each)


def _in_calls(module: Any) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{n}" for n in _AT_ONCE}:
            given = node.args[0]
            is_verbose = "re.VERBOSE" in ast.unparse(node)
            if isinstance(given, ast.Constant) and isinstance(given.value, str) and not is_verbose:
                yield node.lineno, given.value


def doubtful(pattern: re.Pattern[str]) -> list[str]:
    """What is wrong with a pattern; nothing where it takes linear time."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    return sorted(set(_faults(list(_flat(tree)))))


def _faults(items: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    for at, (kind, value) in enumerate(items):
        if kind is _constants.BRANCH:
            for branch in value[1]:
                yield from _faults(list(_flat(branch)))
        elif kind is _constants.ATOMIC_GROUP:
            yield from _faults(list(_flat(value)))
        elif kind in (*_BACKTRACKING, _constants.POSSESSIVE_REPEAT):
            if _is_long(kind, value):
                yield from _alike(value[2])
            inner = list(_flat(value[2]))
            is_tried_again = kind in _BACKTRACKING and value[1] >= MANY
            yield from _faults([*inner, *inner] if is_tried_again else inner)
        if _is_long(kind, value):
            yield from _shared(_begins([(kind, value)])[0], items[at + 1 :])


def _shared(mine: frozenset[int], after: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    """Later repeats that can go on where this one ends."""
    for kind, value in after:
        theirs, is_nullable = _begins([(kind, value)])
        if theirs & mine and any(True for _ in _long([(kind, value)])):
            yield "two repeats side by side share " + ascii("".join(map(_shown, theirs & mine))[:9])
        if not is_nullable and not theirs & mine:
            return


def _alike(repeated: Any) -> Iterator[str]:
    """Alternatives of a repeat that begin alike, so that one text is several sequences of them."""
    items = list(_flat(repeated))
    if len(items) != 1 or items[0][0] is not _constants.BRANCH:
        return
    seen: frozenset[int] = frozenset()
    for branch in items[0][1][1]:
        theirs, _ = _begins(list(_flat(branch)))
        if theirs & seen:
            yield "alternatives share " + ascii("".join(map(_shown, theirs & seen))[:9])
        seen |= theirs


_BACKTRACKING = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)


def _is_long(kind: Any, value: Any) -> bool:
    return kind in _BACKTRACKING and value[1] >= MANY


def _long(items: Sequence[tuple[Any, Any]]) -> Iterator[Any]:
    for kind, value in items:
        if _is_long(kind, value):
            yield value
        elif kind in _BACKTRACKING:
            yield from _long(list(_flat(value[2])))
        elif kind is _constants.BRANCH:
            for branch in value[1]:
                yield from _long(list(_flat(branch)))


def _flat(tree: Any) -> Iterator[tuple[Any, Any]]:
    for kind, value in tree:
        if kind is _constants.SUBPATTERN:
            yield from _flat(value[3])
        else:
            yield kind, value


def _begins(items: Sequence[tuple[Any, Any]]) -> tuple[frozenset[int], bool]:
    """Characters that a match can begin with, and whether it can be empty."""
    found: frozenset[int] = frozenset()
    for kind, value in items:
        theirs, is_nullable = _begins_with(kind, value)
        found |= theirs
        if not is_nullable:
            return found, False
    return found, True


def _begins_with(kind: Any, value: Any) -> tuple[frozenset[int], bool]:
    if kind is _constants.LITERAL:
        return frozenset({min(value, 256)}), False
    if kind is _constants.NOT_LITERAL:
        return EVERY - {value}, False
    if kind is _constants.ANY:
        return EVERY, False
    if kind is _constants.IN:
        return _characters(value), False
    if kind is _constants.BRANCH:
        each = [_begins(list(_flat(branch))) for branch in value[1]]
        return frozenset().union(*(found for found, _ in each)), any(empty for _, empty in each)
    if kind is _constants.ATOMIC_GROUP:
        return _begins(list(_flat(value)))
    if kind in (*_BACKTRACKING, _constants.POSSESSIVE_REPEAT):
        found, is_nullable = _begins(list(_flat(value[2])))
        return found, is_nullable or value[0] == 0
    return frozenset(), True


def _characters(items: Any) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for kind, value in items:
        if kind is _constants.LITERAL:
            found |= {min(value, 256)}
        elif kind is _constants.RANGE:
            found |= frozenset(range(min(value[0], 256), min(value[1], 256) + 1))
        elif kind is _constants.CATEGORY:
            name = str(value)
            known = _CLASSES[name.replace("NOT_", "")]
            found |= (EVERY - known | {256}) if "NOT_" in name else known
    return EVERY - found if items[0][0] is _constants.NEGATE else found


def _shown(number: int) -> str:
    return chr(number)
