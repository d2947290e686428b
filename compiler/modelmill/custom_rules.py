"""Rules in CEL that people write: read once, asked of many values, never without end.

In: an expression, and values by name. Out: true, false, or why there is no answer. CEL has no
clock, files or loops without end; but loops over lists multiply, and so do texts that are put
together: what would take too many steps is not begun. Steps are counted, not timed, as the same
input has the same answer on any machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from modelmill.cel_functions import FUNCTIONS
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

INSTALL = "install it: pip install common-expression-language"
LONGEST = 4000
"""Characters of an expression."""
MOST_STEPS = 1_000_000
"""Of one question: loops over 100 entries, three deep. They take a second."""
MOST_TEXT = 1 << 20
"""Characters that a function may return."""
BACKTRACKING = frozenset({"find", "findAll"})
"""Functions whose patterns may take for ever here; `matches` is the evaluator's own."""
COPYING = frozenset({"map", "filter"})
"""Loops that copy what they have so far for every entry."""

_tokens = regex(
    r"""(?P<text>r?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))|\.\s*(?P<loop>all|exists_one|exists|map|filter)\s*\(
    |(?P<open>[(\[{])|(?P<close>[)\]}])""",
    re.VERBOSE | re.DOTALL,
)
_misread = regex(
    r"ERROR: <input>:(?P<line>[0-9]+):(?P<at>[0-9]+): "
    r"(?:Syntax error: )?(?P<why>.*?)(?: expecting .*+)?$",
    re.MULTILINE,
)
_undefined = regex(r"Undefined variable or function: '([^']+)'")


class Faulty(Exception):
    """An expression is no rule, whatever it is asked of."""


class Unanswered(Exception):
    """An expression has no answer for these values."""


class Cost(NamedTuple):
    """How an expression grows with what it reads. `deep`: loops within loops; `copies`: whether one
    of them copies; `joins`: how often it puts texts together."""

    deep: int
    copies: bool
    joins: int
    splits: bool


class Question(NamedTuple):
    """A rule that can be asked."""

    expression: str
    program: Any
    cost: Cost


def is_available() -> bool:
    """Whether the evaluator, an extra of this package, is installed."""
    try:
        import cel  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def question(expression: str) -> Question:
    """Raises Faulty where the expression is too long, or is no CEL."""
    import cel

    if len(expression) > LONGEST:
        raise Faulty(f"the expression is longer than {LONGEST} characters")
    try:
        return Question(expression, cel.compile(expression), _cost(expression))
    except Exception as fault:
        raise Faulty(_reason(fault)) from None


class Answers:
    """Asks questions about some values and one that changes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        import cel

        self._context = cel.Context(variables=dict(values), functions=_functions())
        self._size = _Size.of(values)

    def ask(self, asked: Question, **more: Any) -> bool:
        """Raises Faulty for a name that is nothing, Unanswered for all else."""
        size = self._size.with_(_Size.of(more)) if more else self._size
        if size.steps(asked.cost) > MOST_STEPS:
            raise Unanswered("it loops over lists that are too long, one within another")
        for name, value in more.items():
            self._context.add_variable(name, value)
        try:
            answer = asked.program.execute(self._context)
        except Exception as fault:
            undefined = _undefined.match(str(fault))
            if undefined:
                raise Faulty(f"there is no `{undefined[1]}` here") from None
            raise Unanswered(_reason(fault)) from None
        if not isinstance(answer, bool):
            raise Faulty("the expression is neither true nor false")
        return answer


class _Size(NamedTuple):
    """The longest list or mapping of some values, and the longest text."""

    entries: int
    text: int

    @classmethod
    def of(cls, value: Any) -> _Size:
        found = cls(1, 1)
        if isinstance(value, str):
            return cls(1, len(value))
        if isinstance(value, Mapping):
            found = cls(len(value), max((len(str(key)) for key in value), default=1))
            value = tuple(value.values())
        elif isinstance(value, list | tuple):
            found = cls(len(value), 1)
        else:
            return found
        for each in value:
            found = found.with_(cls.of(each))
        return found

    def with_(self, other: _Size) -> _Size:
        return _Size(max(self.entries, other.entries), max(self.text, other.text))

    def steps(self, cost: Cost) -> int:
        longest = max(self.entries, self.text if cost.splits else 1, cost.joins, 1)
        loops: int = longest ** (cost.deep + int(cost.copies))
        return max(loops, self.text * cost.joins // 64)


def _cost(expression: str) -> Cost:
    deep, open_loops = 0, [False]
    loops: set[str] = set()
    for kind, word in _structure(expression):
        if kind == "close":
            if len(open_loops) > 1:
                open_loops.pop()
            continue
        open_loops.append(kind == "loop")
        if kind == "loop":
            loops.add(word)
            deep = max(deep, sum(open_loops))
    joins = expression.count("+") + expression.count(",")
    return Cost(deep, bool(loops & COPYING), joins, "split" in expression)


def _structure(expression: str) -> Iterator[tuple[str, str]]:
    """Brackets, and the loops that begin with one; none of what stands in texts."""
    for found in _tokens.finditer(expression):
        if found.lastgroup in ("loop", "open", "close"):
            yield found.lastgroup, found[found.lastgroup]


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    return {name: _bounded(each) for name, each in FUNCTIONS.items() if name not in BACKTRACKING}


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        if function is FUNCTIONS["replace"] and _replaced_length(*arguments) > MOST_TEXT:
            raise ValueError("a text grows too long")
        found = function(*arguments)
        if isinstance(found, str) and len(found) > MOST_TEXT:
            raise ValueError("a text grows too long")
        return found

    return call


def _replaced_length(text: str, old: str, new: str, *_: int) -> int:
    return len(text) + text.count(old) * len(new)


def _reason(fault: Exception) -> str:
    """An evaluator's complaint in one line."""
    if isinstance(fault, KeyError):
        return f"nothing is said under `{fault.args[0]}`, which it reads; ask with has(…) first"
    text = str(fault)
    place = _misread.search(text)
    if place is not None:
        return f"{place['why']} at its line {place['line']}, character {place['at']}"
    return next((line for line in text.splitlines() if line.strip()), type(fault).__name__)
