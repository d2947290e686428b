"""Sprig's defaults, flow and types: https://masterminds.github.io/sprig/defaults.html,
https://masterminds.github.io/sprig/reflection.html.

In: values. Out: one of them, or what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.signatures import Function, function, referring
from modelmill.importers.gotemplate.values import kind_of, same, truth, type_of


def _default(default: Any, *given: Any) -> Any:
    return given[0] if given and truth(given[0]) else default


def _coalesced(*values: Any) -> Any:
    return next((each for each in values if truth(each)), None)


def _failed(message: str) -> NoReturn:
    raise Fault(message, "fail")


def _required(message: str, value: Any) -> Any:
    """Helm's: https://helm.sh/docs/howto/charts_tips_and_tricks/#using-the-required-function."""
    if value is None or value == "":
        raise Fault(message, "fail")
    return value


FUNCTIONS: Mapping[str, Function] = {
    "all": referring("any...", lambda *values: all(map(truth, values))),
    "any": referring("any...", lambda *values: any(map(truth, values))),
    "coalesce": referring("any...", _coalesced),
    "deepEqual": function("any any", same),
    "default": referring("any any...", _default),
    "empty": referring("any", lambda value: not truth(value)),
    "fail": function("string", _failed),
    "kindIs": referring("string any", lambda kind, value: kind == kind_of(value)),
    "kindOf": referring("any", kind_of),
    "ternary": referring("any any bool", lambda yes, no, test: yes if test else no),
    "typeIs": referring("string any", lambda kind, value: kind == type_of(value)),
    "typeIsLike": referring("string any", lambda kind, v: type_of(v) in (kind, f"*{kind}")),
    "typeOf": referring("any", type_of),
}

HELM: Mapping[str, Function] = {"required": referring("string any", _required)}
