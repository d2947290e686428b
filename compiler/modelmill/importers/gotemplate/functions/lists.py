"""Sprig's lists: https://masterminds.github.io/sprig/lists.html.

In: lists of any kind. Out: new lists; none is changed. Each `must…` form does as the plain one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.functions.numbers import integer
from modelmill.importers.gotemplate.functions.strings import strings_of
from modelmill.importers.gotemplate.printing import printed
from modelmill.importers.gotemplate.signatures import Function, function, referring, spending
from modelmill.importers.gotemplate.values import Lists, Strings, encoded, same, truth, type_of


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Fault(f"a list is expected, not {'nil' if value is None else type_of(value)}")
    return list(value)


def _sorted(value: Any) -> Strings:
    if not isinstance(value, list):
        return Strings([printed(value)])
    return Strings(sorted(strings_of(value), key=encoded))


def _unique(spend: Callable[[int], None], value: Any) -> list[Any]:
    spend(len(_items(value)) ** 2)
    result: list[Any] = []
    for each in _items(value):
        if not _holds(each, result):
            result.append(each)
    return result


def _holds(value: Any, values: list[Any]) -> bool:
    return any(same(value, each) for each in values)


def _sliced(value: Any, *bounds: Any) -> Any:
    items = _items(value)
    if not items:
        return None
    start = integer(bounds[0]) if bounds else 0
    end = integer(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Fault(f"there are no items {start} to {end} of {len(items)}")
    return type(value)(items[start:end])


def _chunked(size: int, value: Any) -> Lists:
    items = _items(value)
    if size < 1:
        raise Fault("the size of a chunk is 1 or more")
    return Lists(items[start : start + size] for start in range(0, len(items), size))


def _concatenated(*values: Any) -> list[Any]:
    return list(itertools.chain.from_iterable(map(_items, values)))


def _without(spend: Callable[[int], None], value: Any, *left_out: Any) -> list[Any]:
    spend(len(_items(value)) * len(left_out))
    return [each for each in _items(value) if not _holds(each, list(left_out))]


def _has(value: Any, values: Any) -> bool:
    return values is not None and _holds(value, _items(values))


_PLAIN: Mapping[str, Function] = {
    "append": referring("any any", lambda value, item: [*_items(value), item]),
    "chunk": referring("int any", _chunked),
    "compact": referring("any", lambda value: [each for each in _items(value) if truth(each)]),
    "first": referring("any", lambda value: next(iter(_items(value)), None)),
    "has": function("any any", _has),
    "initial": referring("any", lambda value: _items(value)[:-1]),
    "last": referring("any", lambda value: next(reversed(_items(value)), None)),
    "prepend": referring("any any", lambda value, item: [item, *_items(value)]),
    "push": referring("any any", lambda value, item: [*_items(value), item]),
    "rest": referring("any", lambda value: _items(value)[1:]),
    "reverse": referring("any", lambda value: _items(value)[::-1]),
    "slice": referring("any any...", _sliced),
    "uniq": spending("any", _unique),
    "without": spending("any any...", _without),
}

FUNCTIONS: Mapping[str, Function] = {
    **_PLAIN,
    **{f"must{name[0].upper()}{name[1:]}": known for name, known in _PLAIN.items()},
    "concat": referring("any...", _concatenated),
    "list": referring("any...", lambda *values: list(values)),
    "sortAlpha": function("any", _sorted),
    "tuple": referring("any...", lambda *values: list(values)),
}
