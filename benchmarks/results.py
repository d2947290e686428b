"""What was measured, as rows of a table: a figure, what it is held against, a target.

In: timings. Out: rows, and sections of Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from textwrap import fill
from typing import NamedTuple

from benchmarks.timing import Timings

HEAD = "| what | median | beside | ratio | target | |\n|---|--:|---|--:|--:|---|"


class Target(NamedTuple):
    """A limit, in the unit of the row's ratio."""

    limit: float
    at_least: bool = False

    def missed_by(self, value: float) -> float:
        """How far `value` is on the wrong side, as a part of the limit; 0 if it is not."""
        beyond = self.limit - value if self.at_least else value - self.limit
        return max(0.0, beyond / self.limit)


class Row(NamedTuple):
    """One line. `values` are of the rounds, in `unit`; their median is what the target is for."""

    what: str
    figure: str
    beside: str
    values: Sequence[float]
    target: Target | None = None
    unit: str = "×"

    def text(self) -> str:
        return f"| {self.what} | {self.figure} | {self.beside} | {self._ratio()} | {self._end()} |"

    def _ratio(self) -> str:
        if not self.values:
            return ""
        middle = _number(median(self.values), self.unit)
        if len(self.values) == 1:
            return middle
        low, high = (_number(end(self.values), self.unit) for end in (min, max))
        return f"**{middle}** ({low.partition(' ')[0]}–{high.partition(' ')[0]})"

    def _end(self) -> str:
        """The last two cells."""
        if not self.target:
            return "|"
        words = "at least" if self.target.at_least else "at most"
        missed = self.target.missed_by(median(self.values))
        verdict = f"missed by {missed:,.0%}" if missed else "met"
        return f"{words} {_number(self.target.limit, self.unit)} | {verdict}"


class Section(NamedTuple):
    """The rows of one family of cases, and what one must know to read them."""

    title: str
    notes: str
    rows: Sequence[Row]

    def text(self) -> str:
        notes = fill(self.notes, 100, break_on_hyphens=False)
        rows = (row.text() for row in self.rows)
        return "\n".join((f"## {self.title}", "", notes, "", HEAD, *rows, ""))


def against(
    what: str,
    timings: Timings,
    name: str,
    other: str,
    *,
    label: str = "",
    times: float = 1.0,
    target: Target | None = None,
) -> Row:
    """How often `other` goes into `name`; `times` is what that is multiplied by."""
    ratios = [times * a / b for a, b in zip(timings[name], timings[other], strict=True)]
    beside = f"{label or f'`{other}`'}, {seconds(timings[other])}"
    return Row(what, seconds(timings[name]), beside, ratios, target)


def more_than(
    what: str, timings: Timings, name: str, other: str, *, target: Target | None = None
) -> Row:
    """By how many milliseconds `name` takes longer than `other`."""
    extra = [(a - b) * 1000 for a, b in zip(timings[name], timings[other], strict=True)]
    beside = f"{other}, {seconds(timings[other])}"
    return Row(what, seconds(timings[name]), beside, extra, target, unit="ms")


def alone(what: str, timings: Timings, name: str) -> Row:
    """A figure that is held against nothing."""
    return Row(what, seconds(timings[name]), "", ())


def unmeasured(what: str, why: str) -> Row:
    """A row that could not be."""
    return Row(what, "not measured", why, ())


def seconds(values: Iterable[float]) -> str:
    """A median, in the unit that suits it."""
    middle = median(values)
    return f"{middle:.2f} s" if middle >= 1 else f"{middle * 1000:.3g} ms"


def _number(value: float, unit: str) -> str:
    digits = 2 if unit == "×" and abs(value) < 100 else 0
    return f"{value:,.{digits}f} {unit}".strip()
