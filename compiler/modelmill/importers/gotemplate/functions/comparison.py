"""Go's own functions: https://pkg.go.dev/text/template#hdr-Functions.

In: values. Out: a value. `call` is refused: there are no functions among the values. `and` and `or`
are the evaluator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote_plus

from modelmill.importers.gotemplate.expressions import and_or
from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.printing import printed
from modelmill.importers.gotemplate.signatures import Function, function, referring
from modelmill.importers.gotemplate.values import (
    ABSENT,
    StringMap,
    Structure,
    decoded,
    encoded,
    truth,
    type_of,
)
from modelmill.importers.gotemplate.verbs import formatted

_HTML = str.maketrans(
    {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"}
)


def equal(first: Any, *others: Any) -> bool:
    """Whether the first equals any other. Only of one kind: 1 and 1.0 cannot be compared."""
    if not others:
        raise Fault("there is nothing to compare with")
    return any(_equal(first, other) for other in others)


def _equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    if _kind(a) != _kind(b):
        raise Fault(f"a {type_of(a)} cannot be compared with a {type_of(b)}")
    if isinstance(a, list | dict):
        raise Fault(f"a {type_of(a)} cannot be compared")
    return bool(a == b)


def _less(a: Any, b: Any) -> bool:
    for each in (a, b):
        if each is None or isinstance(each, bool | list | dict):
            raise Fault(f"a {type_of(each)} has no order")
    if _kind(a) != _kind(b):
        raise Fault(f"a {type_of(a)} cannot be compared with a {type_of(b)}")
    return bool(encoded(a) < encoded(b) if isinstance(a, str) else a < b)


def _kind(value: Any) -> type:
    """Integers of any width compare."""
    for kind in (bool, int, float, str, list):
        if isinstance(value, kind):
            return kind
    return dict


def _less_or_equal(a: Any, b: Any) -> bool:
    return _less(a, b) or _equal(a, b)


def index(value: Any, *keys: Any) -> Any:
    """`index x 1 "a"` is x[1]["a"]; a key that a map lacks gives nil."""
    if value is None:
        raise Fault("nil has no items")
    for key in keys:
        if isinstance(value, Structure) or not isinstance(value, str | list | dict):
            kind = "nil" if value is None else f"a {type_of(value)}"
            raise Fault(f"{kind} has no items")
        if isinstance(value, dict):
            if not isinstance(key, str):
                raise Fault(f"the key of a map is a string, not a {type_of(key)}")
            value = value.get(key, "" if isinstance(value, StringMap) else None)
            continue
        if isinstance(key, bool) or not isinstance(key, int):
            raise Fault(f"the place in a list is an int, not a {type_of(key)}")
        items = encoded(value) if isinstance(value, str) else value
        if not 0 <= key < len(items):
            raise Fault(f"there is no item {key} of {len(items)}")
        value = items[key]
    return value


def _length(value: Any) -> int:
    if isinstance(value, Structure) or not isinstance(value, str | list | dict):
        raise Fault(f"a {type_of(value)} has no length")
    return len(encoded(value)) if isinstance(value, str) else len(value)


def _print(*values: Any) -> str:
    """fmt.Sprint: a blank between two values of which neither is a string."""
    pieces: list[str] = []
    for place, value in enumerate(values):
        if place and not isinstance(value, str) and not isinstance(values[place - 1], str):
            pieces.append(" ")
        pieces.append(printed(value))
    return "".join(pieces)


def _print_line(*values: Any) -> str:
    return " ".join(map(printed, values)) + "\n"


def _written(*values: Any) -> str:
    return _print(*(ABSENT.value if value is None else value for value in values))


def _escape_html(*values: Any) -> str:
    return _written(*values).translate(_HTML)


def _escape_query(*values: Any) -> str:
    return quote_plus(encoded(_written(*values)), safe="-_.~")


def _call(*_: Any) -> NoReturn:
    raise Fault("there are no functions among the values")


def _slice(value: Any, *places: Any) -> Any:
    """`slice x 1 2` is x[1:2]; of a string, in bytes."""
    if not isinstance(value, str | list) or len(places) > 2:
        raise Fault(f"a {type_of(value)} has no part from place to place")
    items = encoded(value) if isinstance(value, str) else value
    bounds = [0, len(items)]
    for number, place in enumerate(places):
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= len(items):
            raise Fault(f"{printed(place)} is not a place from 0 to {len(items)}")
        bounds[number] = place
    if bounds[0] > bounds[1]:
        raise Fault(f"the end {bounds[1]} is before the start {bounds[0]}")
    part = items[bounds[0] : bounds[1]]
    return decoded(part) if isinstance(part, bytes) else part


FUNCTIONS: Mapping[str, Function] = {
    "and": referring("any...", and_or),
    "or": referring("any...", and_or),
    "not": referring("any", lambda value: not truth(value)),
    "eq": function("any any...", equal),
    "ne": function("any any", lambda a, b: not equal(a, b)),
    "lt": function("any any", _less),
    "le": function("any any", _less_or_equal),
    "gt": function("any any", lambda a, b: not _less_or_equal(a, b)),
    "ge": function("any any", lambda a, b: not _less(a, b)),
    "index": referring("any any...", index),
    "slice": function("any any...", _slice),
    "len": referring("any", _length),
    "print": function("any...", _print),
    "printf": function("string any...", formatted),
    "println": function("any...", _print_line),
    "html": function("any...", _escape_html),
    "urlquery": function("any...", _escape_query),
    "call": function("any...", _call),
}
