"""What a template can call, and how it must be called.

In: a Go signature and a Python function. Out: a `Function`, and the judgement whether a value fits
a parameter: Go converts nothing, so an int64 does not fit an int.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelmill.importers.gotemplate.values import ABSENT
from modelmill.tuples import NamedTuple

PARAMETERS = {
    "string": "string",
    "int": "int",
    "bool": "bool",
    "float": "float64",
    "map": "map[string]interface {}",
    "any": "interface {}",
}
"""The types a parameter can have, and what Go calls them. `any` takes nil as None."""

_PYTHON: dict[str, type] = {"string": str, "int": int, "bool": bool, "float": float, "map": dict}


class Function(NamedTuple):
    """`parameters` are words of `PARAMETERS`; `rest` is the type of further arguments, empty for
    none. A function that `refers` hands its arguments on without reading all they hold. One that
    `spends` is given, before its arguments, what it calls with the units of work it is about to do;
    one that `calls` is given the templates by name."""

    run: Callable[..., Any]
    parameters: tuple[str, ...]
    rest: str = ""
    refers: bool = False
    spends: bool = False
    calls: bool = False


def function(signature: str, run: Callable[..., Any]) -> Function:
    """`function("int string", trunc)`; a last word with dots takes any number of arguments."""
    words = signature.split()
    rest = words.pop().removesuffix("...") if words and words[-1].endswith("...") else ""
    return Function(run, tuple(words), rest)


def referring(signature: str, run: Callable[..., Any]) -> Function:
    """A function that hands its arguments on: its cost does not depend on their size."""
    return function(signature, run)._replace(refers=True)


def spending(signature: str, run: Callable[..., Any]) -> Function:
    """A function whose work is not as large as its arguments."""
    return function(signature, run)._replace(spends=True)


def calling(signature: str, run: Callable[..., Any]) -> Function:
    """A function that renders another template."""
    return function(signature, run)._replace(refers=True, calls=True)


def fits(value: Any, parameter: str) -> bool:
    if parameter == "any":
        return True
    if value is None or value is ABSENT:
        return parameter == "map" and value is ABSENT
    return type(value) is _PYTHON[parameter]
