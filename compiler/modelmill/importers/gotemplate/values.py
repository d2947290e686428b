"""Go's values as Python's.

nil is None, int is int, float64 is float, string is str, bool is bool, []interface{} is list,
map[string]interface{} is dict. Go's other types are subclasses, because `typeOf`, `deepEqual` and
the type of a parameter tell them apart. A Go string is bytes: what is not UTF-8 is kept as
surrogate escapes until it is written.

In: any of these. Out: what Go says of it (https://pkg.go.dev/reflect#Kind).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import MAX_NESTING, weigh


class Absent(enum.Enum):
    """No value at all: a map has no such key. Prints as `<no value>`, and has no fields."""

    ABSENT = "<no value>"


ABSENT = Absent.ABSENT


class Int64(int):
    """An int64: what `add` and its family give. Not an int to a function that takes one."""


class Strings(list[str]):
    """A []string."""


class NoStrings(Strings):
    """A nil []string: an empty one that JSON writes as null."""


class Ints(list[int]):
    """A []int."""


class Lists(list[list[Any]]):
    """A [][]interface{}."""


class StringMap(dict[str, str]):
    """A map[string]string."""


class Structure(dict[str, Any]):
    """A struct with the fields (and methods without arguments) it holds; prints as `text`."""

    text: str = ""
    type: str = ""


_TYPES: Mapping[type, tuple[str, str]] = {
    type(None): ("<nil>", "invalid"),
    Absent: ("<nil>", "invalid"),
    bool: ("bool", "bool"),
    int: ("int", "int"),
    Int64: ("int64", "int64"),
    float: ("float64", "float64"),
    str: ("string", "string"),
    list: ("[]interface {}", "slice"),
    Strings: ("[]string", "slice"),
    NoStrings: ("[]string", "slice"),
    Ints: ("[]int", "slice"),
    Lists: ("[][]interface {}", "slice"),
    dict: ("map[string]interface {}", "map"),
    StringMap: ("map[string]string", "map"),
}


def type_of(value: Any) -> str:
    return value.type if isinstance(value, Structure) else _TYPES[type(value)][0]


def kind_of(value: Any) -> str:
    return "ptr" if isinstance(value, Structure) else _TYPES[type(value)][1]


def truth(value: Any) -> bool:
    """Whether `if` takes the value for true: not the zero of its type."""
    return isinstance(value, Structure) or (value is not ABSENT and bool(value))


def own(value: Any) -> Any:
    """A copy that a rendering may change: of plain data, which is not."""
    weigh(value)
    return _copied(value, 0)


def _copied(value: Any, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise Fault(f"the value has more than {MAX_NESTING} levels", "limit")
    if type(value) in _TYPES and not isinstance(value, list | dict):
        return value
    if isinstance(value, Mapping):
        kind = type(value) if isinstance(value, StringMap) else dict
        return kind({_key(key): _copied(each, depth + 1) for key, each in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        kinds = type(value) if isinstance(value, Strings | Ints | Lists) else list
        return kinds(_copied(each, depth + 1) for each in value)
    raise TypeError(f"not a value of a template: {type(value).__name__}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    return key


def same(a: Any, b: Any) -> bool:
    """reflect.DeepEqual: types count, so the int 1 is not the float 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def int64(number: int) -> Int64:
    """The number as 64 bits hold it: too large a one wraps round."""
    return Int64((number + (1 << 63)) % (1 << 64) - (1 << 63))
