"""The operator's templates: sixteen variables and `getPort`.

In: a text and what it may print. Out: the text a template gives, and the same text with marks in
the places where it only printed a variable, which become references.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelmill.diagnostics import Diagnostic, Span, did_you_mean, error, warning
from modelmill.importers import carried
from modelmill.importers.documents import At
from modelmill.importers.gotemplate import (
    NotHermetic,
    Template,
    TemplateError,
    function,
    nodes,
    parse,
    references,
)
from modelmill.regexes import regex
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

_mark = regex("\ue000([0-9]+)\ue001")
_MARKS = ("\ue000", "\ue001")
_ESCAPED = "$${"


class Scope(NamedTuple):
    """What a template sees.

    variables   by name
    ports       routing.ports by name
    references  the reference a variable stands for, where it has one
    as_is       an unknown port is -1, and no error
    """

    variables: Mapping[str, str]
    ports: Mapping[str, int]
    references: Mapping[str, str]
    as_is: bool


class Printed(NamedTuple):
    """A rendered text. `marked` has a mark for each of `values`, None where marks cannot be; a
    value is what was printed and the variable's name, or the port's in quotes."""

    text: str
    marked: str | None
    values: tuple[tuple[str, str], ...]
    findings: tuple[Diagnostic, ...]


def printed(text: str, scope: Scope, at: At) -> Printed:
    """The text with its templates evaluated; empty text on errors."""
    if "{{" not in text:
        return Printed(text, None, (), ())
    missing: list[str] = []

    def get_port(name: str) -> int:
        if name not in scope.ports:
            missing.append(name)
        return scope.ports.get(name, -1)

    functions = {"getPort": function("string", get_port)}
    try:
        template = parse(text)
        rendered = template.render(scope.variables, functions, missing="error")
        marked, values = _with_marks(template, scope)
        again = marked.render(scope.variables, functions, missing="error") if values else ""
    except TemplateError as fault:
        return Printed("", None, (), (_fault(fault, text, scope, at),))
    findings = tuple(_unknown_port(name, text, scope, at) for name in dict.fromkeys(missing))
    # What marks change beyond their own places, a function has looked at.
    is_same = _mark.sub(lambda found: values[int(found[1])][0], again) == rendered
    safe = values and is_same and not any(mark in text for mark in _MARKS)
    return Printed(rendered, again if safe else None, tuple(values), findings)


def _with_marks(template: Template, scope: Scope) -> tuple[Template, list[tuple[str, str]]]:
    values: list[tuple[str, str]] = []
    parts: list[nodes.Part] = []
    for part in template.tree.parts:
        value = _plain_value(part, scope)
        if value is None:
            parts.append(part)
        else:
            parts.append(nodes.Text(f"{_MARKS[0]}{len(values)}{_MARKS[1]}", 0))
            values.append(value)
    return template._replace(tree=template.tree._replace(parts=tuple(parts))), values


def _plain_value(part: nodes.Part, scope: Scope) -> tuple[str, str] | None:
    """What a part prints, if it is only `.Name`, `getPort "name"` or `"name" | getPort`."""
    if not isinstance(part, nodes.Action) or part.pipeline.variables:
        return None
    terms = [term for command in reversed(part.pipeline.commands) for term in command.terms]
    if len(terms) == 1 and isinstance(terms[0], nodes.Field) and len(terms[0].names) == 1:
        name = terms[0].names[0]
        return (scope.variables[name], name) if name in scope.variables else None
    called = terms[0]
    if len(terms) == 2 and isinstance(called, nodes.Function) and called.name == "getPort":
        given = terms[1]
        if isinstance(given, nodes.Literal) and isinstance(given.value, str):
            port = scope.ports.get(given.value)
            return None if port is None else (str(port), f'"{given.value}"')
    return None


def reference_of(marked: str, printed_text: Printed, known: Mapping[str, str]) -> str | None:
    """A marked string with references for its marks; None where it would have none."""
    pieces = _mark.split(marked)
    result, found = "", False
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            result += piece.replace("${", _ESCAPED)
            continue
        value, name = printed_text.values[int(piece)]
        reference = known.get(name)
        if reference is None:
            result += value.replace("${", _ESCAPED)
        elif result.endswith("$"):
            return None
        else:
            result, found = result + reference, True
    return result if found else None


def unmarked(marked: str, printed_text: Printed) -> str:
    """A marked string with the values that were printed."""
    return _mark.sub(lambda found: printed_text.values[int(found[1])][0], marked)


def carrying(node: Node, marked: Node, text: Printed, known: Mapping[str, str]) -> Node:
    """The tree whose values carry the references that `marked` has in their places."""
    value, other = node.value, marked.value
    if isinstance(value, dict) and isinstance(other, dict) and len(value) == len(other):
        pairs = zip(value.items(), other.values(), strict=True)
        carried_values = {key: carrying(each, twin, text, known) for (key, each), twin in pairs}
        return Node(carried_values, node.place, node.key)
    if isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        both = zip(value, other, strict=True)
        return Node([carrying(a, b, text, known) for a, b in both], node.place, node.key)
    if isinstance(other, str) and _mark.search(other):
        reference = reference_of(other, text, known)
        same = unmarked(other, text) == str(value)
        if reference is not None and same and isinstance(value, str):
            return Node(carried.text(value, reference), node.place, node.key)
        if reference is not None and same and type(value) is int:
            return Node(carried.number(value, reference), node.place, node.key)
    return node


def _fault(fault: TemplateError, text: str, scope: Scope, at: At) -> Diagnostic:
    span = Span(*at(fault.line, fault.column, 1))
    if isinstance(fault, NotHermetic):
        message = f"{fault.message}: it is not evaluated"
        return error("I833", message, span, "write the value it gave")
    hint, message = "", fault.message
    if fault.kind == "missing":
        unknown = next(_unknown_variables(text, scope), None)
        if unknown:
            message = f"there is no variable `.{unknown}`"
            hint = did_you_mean(unknown, scope.variables) or "a template sees " + ", ".join(
                f".{name}" for name in scope.variables
            )
    elif fault.kind == "unknown function":
        hint = "there are Go's functions, Sprig's and getPort; what Helm adds is not there"
    return error("I832", f"the template cannot be rendered: {message}", span, hint)


def _unknown_variables(text: str, scope: Scope) -> Iterator[str]:
    for chain in references(parse(text)):
        if chain and chain[0] not in scope.variables:
            yield chain[0]


def _unknown_port(name: str, text: str, scope: Scope, at: At) -> Diagnostic:
    offset = max(text.find(f'"{name}"'), 0)
    line = text.count("\n", 0, offset) + 1
    span = Span(*at(line, offset - (text.rfind("\n", 0, offset) + 1) + 1, len(name) + 2))
    known = ", ".join(scope.ports) or "none"
    hint = did_you_mean(name, scope.ports) or f"ports are {known}; add it to routing.ports"
    if scope.as_is:
        message = f"`routing.ports` has no `{name}`: getPort gives -1, which is kept"
        return warning("I844", message, span, hint)
    return error("I844", f"`routing.ports` has no `{name}`", span, hint)
