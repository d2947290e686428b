"""V111: rules that a CRD states in CEL, `x-kubernetes-validations`, at every level of an object.

In: an object and the schema of its kind. Out: faults, and the rules that cannot be evaluated here,
which are told and never held against anybody. Rules about an update have no object before to go by
(`oldSelf`) and are left to the cluster.

Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
(validation rules), apiextensions-apiserver pkg/apiserver/schema/cel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from modelmill.cel_functions import FUNCTIONS
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path
from modelmill.validation.schema import Schema, completed

RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
        "while",
    }
)  # fmt: skip
_is_transition = regex(r"\boldSelf\b")
_is_identifier = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_escapes = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_escaped = regex(r"__|[./-]")
_forgiving = regex(r"\.(exists|exists_one|map|filter)\(")
"""Macros that the evaluator may end in an error where Kubernetes' goes on."""


class Unevaluated(NamedTuple):
    """A rule that could not be evaluated, and why."""

    rule: str
    why: str


def is_available() -> bool:
    """Whether the evaluator, an extra of this package, is installed."""
    try:
        import cel  # noqa: F401
    except ImportError:
        return False
    return True


def has_rules(schema: Schema) -> bool:
    return _mentions(schema, schema.root)


def broken(schema: Schema, body: Mapping[str, Any]) -> Iterator[Fault | Unevaluated]:
    """Rules that an object breaks, as a server would see it: with its defaults."""
    whole = completed(schema, body)
    yield from _down(schema, schema.of(schema.root), whole, ())


def _down(
    schema: Schema, here: Mapping[str, Any], value: Any, path: Path
) -> Iterator[Fault | Unevaluated]:
    if value is None:
        return
    for rule in here.get("x-kubernetes-validations", ()):
        found = _judged(rule, _as_cel(schema, here, value), path)
        if found is not None:
            yield found
    if isinstance(value, list):
        items = schema.of(here.get("items", {}))
        if _mentions(schema, items):
            for place, each in enumerate(value):
                yield from _down(schema, items, each, (*path, place))
    elif isinstance(value, dict):
        for key, each in value.items():
            below = schema.below(here, key)
            if below is not None and _mentions(schema, below):
                yield from _down(schema, below, each, (*path, key))


def _judged(rule: Mapping[str, Any], value: Any, path: Path) -> Fault | Unevaluated | None:
    text = str(rule.get("rule", ""))
    if _is_transition.search(text):
        return None
    outcome = _evaluated(text, value)
    if outcome is True:
        return None
    if isinstance(outcome, Unevaluated):
        return outcome
    message = rule.get("message") or f"it breaks the rule {' '.join(text.split())}"
    if "messageExpression" in rule:
        said = _evaluated(str(rule["messageExpression"]), value)
        message = said if isinstance(said, str) and said.strip() else message
    if isinstance(outcome, KeyError):
        message = f"{message} (nothing is said under {outcome}, which the rule reads)"
    below = tuple(each for each in str(rule.get("fieldPath", "")).split(".") if each)
    return Fault("V111", (*path, *below), str(message))


def _evaluated(text: str, value: Any) -> Any:
    """The value of an expression; a KeyError where it reads what is not there."""
    program = _program(text)
    if isinstance(program, Unevaluated):
        return program
    context = _context()
    context.add_variable("self", value)
    try:
        return program.execute(context)
    except KeyError as fault:
        if _forgiving.search(text):
            return Unevaluated(text, "it reads a field that is not there")
        return fault
    except Exception as fault:
        return Unevaluated(text, str(fault).splitlines()[0])


@cache
def _program(text: str) -> Any:
    import cel

    try:
        return cel.compile(text)
    except Exception as fault:
        return Unevaluated(text, str(fault).splitlines()[0])


@cache
def _context() -> Any:
    import cel

    return cel.Context(functions=dict(FUNCTIONS))


def _as_cel(schema: Schema, here: Mapping[str, Any], value: Any) -> Any:
    """A value as rules see it: fields whose names are words of CEL are spelt otherwise."""
    if isinstance(value, list):
        items = schema.of(here.get("items", {}))
        return [_as_cel(schema, items, each) for each in value]
    if not isinstance(value, dict):
        is_double = here.get("type") == "number" and isinstance(value, int)
        return float(value) if is_double and not isinstance(value, bool) else value
    fields = here.get("properties", {})
    return {
        (_field(key) if key in fields else key): _as_cel(schema, schema.below(here, key) or {}, v)
        for key, v in value.items()
    }


def _field(name: str) -> str:
    if name in RESERVED:
        return f"__{name}__"
    return (
        name if _is_identifier.fullmatch(name) and "__" not in name else _escaped.sub(_escape, name)
    )


def _escape(found: re.Match[str]) -> str:
    return _escapes[found[0]]


def _mentions(schema: Schema, part: Any) -> bool:
    """Whether there are rules in a part, without what it refers to: built-in types have none."""
    known = schema.memo.get(id(part))
    if known is None:
        # The part is kept beside the answer: else its id could come to mean another one.
        known = schema.memo[id(part)] = (part, _has_any(schema, part))
    return known[1]


def _has_any(schema: Schema, part: Any) -> bool:
    if isinstance(part, Mapping):
        own = "x-kubernetes-validations" in part
        return own or any(_mentions(schema, each) for each in part.values())
    return isinstance(part, list) and any(_has_any(schema, each) for each in part)
