"""What can be wrong with an input, and where.

In: nothing. Out: the coded `Diagnostic` that every stage returns or raises. No printing happens
here; the coats (text, JSON, SARIF, …) are in `reports/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from modelmill.tuples import NamedTuple

Severity = Literal["error", "warning"]
MOST_QUOTED = 80
MOST_NAMES = 1000
"""Names that a misspelt one is compared with: it takes microseconds for each, of every finding."""


class Span(NamedTuple):
    """A place in a source file: relative path, 1-based line and column, width in characters."""

    path: str
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Note(NamedTuple):
    """A further place that explains a diagnostic."""

    message: str
    span: Span | None = None


class Fix(NamedTuple):
    """What may be written at a finding's place instead: `new` for `old`, which stands there."""

    old: str
    new: str


class Diagnostic(NamedTuple):
    """One finding. `span` is None only where no input file is at fault (an empty repository).
    `fixes`: of several the one is right with which the file has no finding there (`fixes`)."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    hint: str = ""
    notes: tuple[Note, ...] = ()
    fixes: tuple[Fix, ...] = ()


class CompileError(Exception):
    """The one exception for a user's fault; carries everything the stage found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[CompileError], tuple[tuple[Diagnostic, ...]]]:
        # As an exception is pickled by its args, which are the text alone.
        return (CompileError, (self.diagnostics,))


def error(
    code: str, message: str, span: Span | None = None, hint: str = "", notes: Iterable[Note] = ()
) -> Diagnostic:
    """A finding that stops the compile."""
    return Diagnostic(code, "error", message, span, hint, tuple(notes))


def warning(
    code: str, message: str, span: Span | None = None, hint: str = "", notes: Iterable[Note] = ()
) -> Diagnostic:
    """A finding that does not stop the compile."""
    return Diagnostic(code, "warning", message, span, hint, tuple(notes))


def tidy(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The findings without repeats, ordered by place, errors before warnings at the same place."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=_order))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)


def cut(text: str) -> str:
    """Text as a message quotes it: cut where it would hide the rest of the message."""
    return text if len(text) <= MOST_QUOTED else text[:MOST_QUOTED] + "…"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant by `word`, if one is near; among very many it is
    not looked for."""
    known = known if isinstance(known, Collection) else list(known)
    if len(known) > MOST_NAMES:
        return None
    from difflib import get_close_matches

    folded = {name.lower().replace("-", "").replace("_", ""): name for name in sorted(known)}
    near = get_close_matches(word.lower().replace("-", "").replace("_", ""), folded, 1, 0.6)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """A hint naming the likely word, "" when none is near. `aliases` maps usual misnomers."""
    meant = (aliases or {}).get(word) or closest(word, known)
    return f"did you mean `{meant}`?" if meant else ""


def _order(d: Diagnostic) -> tuple[str, int, int, str, str, str]:
    span = d.span or Span("", 0, 0)
    return (span.path, span.line, span.column, d.severity, d.code, d.message)
