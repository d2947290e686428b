"""A template over data, as text/template executes it (https://pkg.go.dev/text/template).

In: a `Source`, its data and what can be called. Out: text. Raises `TemplateError` with the place
of the part that failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.expressions import Expressions, Shared, Source
from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.limits import weigh
from modelmill.importers.gotemplate.nodes import Part
from modelmill.importers.gotemplate.printing import shown
from modelmill.importers.gotemplate.values import ABSENT, Int64, Structure, truth, type_of

_Leave = Literal["break", "continue"] | None


def execute(source: Source, shared: Shared, data: Any) -> str:
    """The text that a template writes for the data."""
    return _Execution(source, shared, data).run(data)


class _Execution(Expressions):
    def __init__(self, source: Source, shared: Shared, data: Any) -> None:
        super().__init__(source, shared, data)
        self.written: list[str] = []

    def run(self, data: Any) -> str:
        self._walk(self.source.parts, data)
        return "".join(self.written)

    def _walk(self, parts: tuple[Part, ...], dot: Any) -> _Leave:
        for part in parts:
            self.step(part.offset)
            if isinstance(part, nodes.Text):
                self._write(part.text, part.offset)
            elif isinstance(part, nodes.Action):
                value = self.pipeline(part.pipeline, dot)
                if not part.pipeline.variables:
                    self._show(value, part.offset)
            else:
                with self.deeper(part.offset):
                    leave = self._control(part, dot)
                if leave:
                    return leave
        return None

    def _control(self, part: Part, dot: Any) -> _Leave:
        known = len(self.variables)
        leave: _Leave = None
        if isinstance(part, nodes.If | nodes.With):
            leave = self._conditional(part, dot)
        elif isinstance(part, nodes.Range):
            leave = self._range(part, dot)
        elif isinstance(part, nodes.Break):
            return "break"
        elif isinstance(part, nodes.Continue):
            return "continue"
        elif isinstance(part, nodes.Call):
            # Variables of its pipeline last, as those of an action do.
            self._call_template(part, dot)
            return None
        del self.variables[known:]
        return leave

    def _conditional(self, part: nodes.If | nodes.With, dot: Any) -> _Leave:
        for branch in part.branches:
            value = self.pipeline(branch.pipeline, dot)
            if truth(value):
                return self._walk(branch.body, value if isinstance(part, nodes.With) else dot)
        return self._walk(part.otherwise, dot)

    def _range(self, part: nodes.Range, dot: Any) -> _Leave:
        value = self.pipeline(part.pipeline, dot)
        names = part.pipeline.variables
        try:
            entries = _entries(value, len(names))
        except Fault as fault:
            raise self.error(fault, part.offset) from None
        known = len(self.variables)
        empty = True
        for key, item in entries:
            empty = False
            try:
                self.shared.budget.iterate()
            except Fault as fault:
                raise self.error(fault, part.offset) from None
            self._bind(part.pipeline, known, key, item)
            leave = self._walk(part.body, item)
            del self.variables[known:]
            if leave == "break":
                break
        return self._walk(part.otherwise, dot) if empty else None

    def _bind(self, pipeline: nodes.Pipeline, known: int, key: Any, item: Any) -> None:
        """The variables of a loop: the item, or the key and the item."""
        names = pipeline.variables
        values = (key, item) if len(names) > 1 else (item,)
        for place, (name, value) in enumerate(zip(names, values, strict=False)):
            if pipeline.assigns:
                self.assign(name, value, pipeline.offset)
            else:
                self.variables[known - len(names) + place] = (name, value)

    def _call_template(self, part: nodes.Call, dot: Any) -> None:
        source = self.source.templates.get(part.name)
        if source is None:
            fault = Fault(f"there is no template `{part.name}`", "missing")
            raise self.error(fault, part.offset)
        data = ABSENT if part.pipeline is None else self.pipeline(part.pipeline, dot)
        # What it writes is accounted for where it is written.
        self.written.append(execute(source, self.shared, data))

    def _show(self, value: Any, offset: int) -> None:
        try:
            if isinstance(value, list | dict):
                self.shared.budget.spend(weigh(value))
        except Fault as fault:
            raise self.error(fault, offset) from None
        self._write(shown(value), offset)

    def _write(self, text: str, offset: int) -> None:
        try:
            self.shared.budget.write(text)
        except Fault as fault:
            raise self.error(fault, offset) from None
        self.written.append(text)


def _entries(value: Any, variables: int) -> Any:
    """Keys and items of what `range` goes over; an integer counts from 0."""
    if value is ABSENT:
        return ()
    if isinstance(value, Structure) or not isinstance(value, int | list | dict):
        raise Fault(f"`range` takes a list, a map or an integer, not a {type_of(value)}")
    if isinstance(value, bool):
        raise Fault("`range` takes a list, a map or an integer, not a bool")
    if isinstance(value, int):
        if variables > 1:
            raise Fault("`range` over an integer has one variable")
        kind: Callable[[int], int] = Int64 if isinstance(value, Int64) else int
        return ((None, kind(each)) for each in range(value))
    if isinstance(value, dict):
        return tuple((key, value[key]) for key in sorted(value))
    return enumerate(value)
