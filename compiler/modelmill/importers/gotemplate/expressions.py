"""Pipelines to values.

In: a pipeline and what dot and the variables are. Out: a value, `ABSENT` for none. Raises
`TemplateError` with the place of the term that failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NoReturn, TypeAlias

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.faults import Fault, TemplateError
from modelmill.importers.gotemplate.limits import (
    MAX_NESTING,
    Budget,
    check_items,
    check_size,
    weigh,
)
from modelmill.importers.gotemplate.signatures import PARAMETERS, Function, fits
from modelmill.importers.gotemplate.values import ABSENT, StringMap, Structure, truth, type_of
from modelmill.tuples import NamedTuple

Missing: TypeAlias = Literal["default", "zero", "error"]
"""What a key that a map lacks gives: no value, nil (whose fields are an error), or an error."""

_NOTHING = object()
"""Not given: no earlier command of the pipeline."""


class Source(NamedTuple):
    """A text and the templates that can be called from it: by name, with the text each is in."""

    name: str
    text: str
    parts: tuple[nodes.Part, ...]
    templates: dict[str, Source]


class Shared:
    """What all templates of one rendering have in common."""

    def __init__(self, functions: Mapping[str, Function], missing: Missing) -> None:
        self.functions = functions
        self.missing = missing
        self.budget = Budget()
        self.depth = 0


class Expressions:
    """Evaluates in one template: its source, its variables (innermost last)."""

    def __init__(self, source: Source, shared: Shared, data: Any) -> None:
        self.source = source
        self.shared = shared
        self.variables: list[tuple[str, Any]] = [("$", data)]

    def error(self, fault: Fault, offset: int) -> TemplateError:
        source = self.source
        return TemplateError(fault.kind, fault.message, source.text, offset, source.name)

    def step(self, offset: int) -> None:
        try:
            self.shared.budget.step()
        except Fault as fault:
            raise self.error(fault, offset) from None

    @contextmanager
    def deeper(self, offset: int) -> Iterator[None]:
        if self.shared.depth >= MAX_NESTING:
            message = f"more than {MAX_NESTING} blocks or templates are inside each other"
            raise self.error(Fault(message, "limit"), offset)
        self.shared.depth += 1
        try:
            yield
        finally:
            self.shared.depth -= 1

    def pipeline(self, pipeline: nodes.Pipeline, dot: Any) -> Any:
        """The value of the last command, which is also given to the variables."""
        value = _NOTHING
        for command in pipeline.commands:
            self.step(command.offset)
            value = self._command(command, dot, value)
            value = ABSENT if value is None else value
        for name in pipeline.variables:
            if pipeline.assigns:
                self.assign(name, value, pipeline.offset)
            else:
                self.variables.append((name, value))
        return value

    def assign(self, name: str, value: Any, offset: int) -> None:
        """Gives a value to the innermost variable of that name."""
        for place in range(len(self.variables) - 1, -1, -1):
            if self.variables[place][0] == name:
                self.variables[place] = (name, value)
                return
        raise self.error(Fault(f"the variable `{name}` is not defined", "syntax"), offset)

    def _command(self, command: nodes.Command, dot: Any, final: Any) -> Any:
        first = command.terms[0]
        if isinstance(first, nodes.Function):
            return self._call(first, command.terms[1:], dot, final)
        if isinstance(first, nodes.Literal) and first.value is None:
            raise self.error(Fault("nil is not a command"), first.offset)
        if len(command.terms) > 1 or final is not _NOTHING:
            raise self.error(Fault("only a function takes arguments"), first.offset)
        return self._term(first, dot)

    def _term(self, term: nodes.Term, dot: Any) -> Any:
        if isinstance(term, nodes.Literal | nodes.Number):
            return term.value
        if isinstance(term, nodes.Dot):
            return dot
        if isinstance(term, nodes.Field):
            return self._fields(dot, term.names, term.offset)
        if isinstance(term, nodes.Variable):
            return self._fields(self._variable(term), term.names, term.offset)
        if isinstance(term, nodes.Function):
            return self._call(term, (), dot, _NOTHING)
        if isinstance(term, nodes.Chain):
            return self._fields(self._term(term.of, dot), term.names, term.offset)
        with self.deeper(term.offset):
            return self.pipeline(term, dot)

    def _variable(self, term: nodes.Variable) -> Any:
        for name, value in reversed(self.variables):
            if name == term.name:
                return value
        # Declared by the loop that it is the list of: `{{ range $i, $i }}`.
        raise self.error(Fault(f"the variable `{term.name}` is not defined", "syntax"), term.offset)

    def _fields(self, value: Any, names: tuple[str, ...], offset: int) -> Any:
        for name in names:
            try:
                value = _field(value, name, self.shared.missing)
            except Fault as fault:
                raise self.error(fault, offset) from None
        return value

    def _call(
        self, called: nodes.Function, terms: Sequence[nodes.Term], dot: Any, final: Any
    ) -> Any:
        name = called.name
        known = self.shared.functions[name]
        if known.run is and_or:
            return self._and_or(name, terms, dot, final)
        count = len(terms) + (final is not _NOTHING)
        fixed = len(known.parameters)
        if count < fixed or (count > fixed and not known.rest):
            least = "at least " if known.rest else ""
            message = f"`{name}` takes {least}{fixed} arguments, not {count}"
            raise self.error(Fault(message), called.offset)
        wanted = [*known.parameters, *[known.rest] * (count - fixed)]
        values = [self._argument(t, w, dot) for t, w in zip(terms, wanted, strict=False)]
        if final is not _NOTHING:
            values.append(self._fitting(final, wanted[-1], called.offset))
        try:
            return self._run(known, values)
        except Fault as fault:
            ours = fault.kind == "fail"
            message = fault.message if ours else f"`{name}`: {fault.message}"
            raise self.error(Fault(message, fault.kind), called.offset) from None

    def _run(self, known: Function, values: list[Any]) -> Any:
        budget = self.shared.budget
        for value in values:
            if not known.refers:
                budget.spend(weigh(value))
            elif isinstance(value, str | list | dict):
                budget.spend(len(value))
        if known.calls:
            result = known.run(self.source.templates, *values)
        else:
            result = known.run(*([budget.spend] if known.spends else []), *values)
        if isinstance(result, str):
            check_size(len(result))
            budget.spend(len(result))
        elif isinstance(result, list):
            check_items(len(result))
        return result

    def _and_or(self, name: str, terms: Sequence[nodes.Term], dot: Any, final: Any) -> Any:
        """The first argument that settles it, else the last; those after it are not evaluated."""
        if not terms and final is _NOTHING:
            raise self.error(Fault(f"`{name}` takes at least 1 arguments, not 0"), 0)
        value = None
        for term in terms:
            value = self._argument(term, "any", dot)
            if truth(value) == (name == "or"):
                return value
        return value if final is _NOTHING else final

    def _argument(self, term: nodes.Term, wanted: str, dot: Any) -> Any:
        if isinstance(term, nodes.Literal | nodes.Number):
            return self._constant(term, wanted)
        return self._fitting(self._term(term, dot), wanted, term.offset)

    def _constant(self, term: nodes.Literal | nodes.Number, wanted: str) -> Any:
        """A constant has no type of its own: 3 is an int or a float64, and so is 3.0."""
        value = term.value
        if value is None and wanted == "map":
            return {}
        if isinstance(term, nodes.Number):
            if wanted == "int" and term.whole is not None:
                return term.whole
            if wanted == "float":
                return float(term.value)
        if wanted == "any" or (value is not None and fits(value, wanted) and wanted != "int"):
            return value
        message = f"{PARAMETERS[wanted]} is expected, not {term.written}"
        raise self.error(Fault(message), term.offset)

    def _fitting(self, value: Any, wanted: str, offset: int) -> Any:
        if not fits(value, wanted):
            given = "no value" if value is None or value is ABSENT else type_of(value)
            message = f"{PARAMETERS[wanted]} is expected, not {given}"
            raise self.error(Fault(message), offset)
        if value is ABSENT:
            return {} if wanted == "map" else None
        return value


def and_or(*_: Any) -> NoReturn:
    """Stands for `and` and `or`, which the evaluator itself runs: they do not evaluate all."""
    raise NotImplementedError


def _field(value: Any, name: str, missing: Missing) -> Any:
    if value is ABSENT:
        if missing == "error":
            raise Fault(f"there is no value to take `{name}` of", "missing")
        return ABSENT
    if value is None:
        raise Fault(f"nil has no `{name}`", "missing")
    if not isinstance(value, dict) or (isinstance(value, Structure) and name not in value):
        raise Fault(f"a {type_of(value)} has no field `{name}`")
    if name in value:
        return value[name]
    if missing == "error":
        raise Fault(f"there is no key `{name}`", "missing")
    if missing == "zero":
        return "" if isinstance(value, StringMap) else None
    return ABSENT
