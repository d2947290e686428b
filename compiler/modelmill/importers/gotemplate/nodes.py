"""The parts of a parsed template: plain values that nobody changes.

Every part has the offset of its first character in the template's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from modelmill.tuples import NamedTuple


class Literal(NamedTuple):
    """A string, a boolean or nil."""

    value: str | bool | None
    written: str
    offset: int


class Number(NamedTuple):
    """`whole` is set if it is also an integer, as 3.0 is; `value` is what it is by its spelling."""

    value: int | float
    whole: int | None
    written: str
    offset: int


class Dot(NamedTuple):
    offset: int


class Field(NamedTuple):
    """`.a.b`"""

    names: tuple[str, ...]
    offset: int


class Variable(NamedTuple):
    """`$x.a.b`; `$` alone is the data."""

    name: str
    names: tuple[str, ...]
    offset: int


class Function(NamedTuple):
    name: str
    offset: int


class Chain(NamedTuple):
    """`(…).a.b`"""

    of: Term
    names: tuple[str, ...]
    offset: int


class Command(NamedTuple):
    """An operand, or a function and what it is given."""

    terms: tuple[Term, ...]
    offset: int


class Pipeline(NamedTuple):
    """Commands, each given the result of the one before; the result goes to the variables."""

    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]
    offset: int


Term: TypeAlias = Literal | Number | Dot | Field | Variable | Function | Chain | Pipeline


class Text(NamedTuple):
    text: str
    offset: int


class Action(NamedTuple):
    pipeline: Pipeline
    offset: int


class Branch(NamedTuple):
    pipeline: Pipeline
    body: tuple[Part, ...]


class If(NamedTuple):
    branches: tuple[Branch, ...]
    otherwise: tuple[Part, ...]
    offset: int


class With(NamedTuple):
    branches: tuple[Branch, ...]
    otherwise: tuple[Part, ...]
    offset: int


class Range(NamedTuple):
    pipeline: Pipeline
    body: tuple[Part, ...]
    otherwise: tuple[Part, ...]
    offset: int


class Call(NamedTuple):
    """`{{ template "name" pipeline }}`; a `block` is one of these beside its definition."""

    name: str
    pipeline: Pipeline | None
    offset: int


class Break(NamedTuple):
    offset: int


class Continue(NamedTuple):
    offset: int


Part: TypeAlias = Text | Action | If | With | Range | Call | Break | Continue


class Tree(NamedTuple):
    """A template's own parts, and those of the templates it defines."""

    parts: tuple[Part, ...]
    definitions: Mapping[str, tuple[Part, ...]]
