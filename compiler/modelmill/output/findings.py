"""What a survey of generated/ means to a person.

In: a `Survey`. Out: a diagnostic per path, at its first character. Nothing is read or written.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from modelmill.diagnostics import Diagnostic, Note, Span, error, tidy, warning
from modelmill.output.ledger import JOURNAL, is_ledger, unit_of
from modelmill.output.state import Survey

COMPILE = "run `modelmill compile`"
FEW = 3
"""So many files of one unit are named one by one."""


def diagnose(survey: Survey) -> tuple[Diagnostic, ...]:
    """Every way in which the folder is not what is wanted, and what was left alone in it."""
    return tidy([*_drift(survey), *obstacles(survey), *_left_alone(survey)])


def obstacles(survey: Survey) -> tuple[Diagnostic, ...]:
    """What stands in the way of a write, which touches nothing as long as this is not empty."""
    blocked = (
        error(
            "O607",
            f"{_place(survey, path)} was not written by modelmill, which must write there",
            _span(survey, path),
            f"move it out of {survey.generated}/, or delete it",
        )
        for path in survey.blocked
    )
    linked = (
        error(
            "O608",
            f"{_place(survey, path)} is a symbolic link; modelmill follows none when it writes",
            _span(survey, path),
            "delete the link, or put what it points to in its place",
        )
        for path in survey.linked
    )
    return tidy([*blocked, *linked])


def _drift(survey: Survey) -> Iterable[Diagnostic]:
    yield from _each(survey, "O601", survey.stale, "out of date", COMPILE)
    for path in survey.edited:
        yield _edited(survey, path)
    yield from _each(
        survey, "O603", survey.orphaned, "no longer generated", f"{COMPILE}, which deletes it"
    )
    yield from _each(survey, "O604", survey.missing, "missing", COMPILE)
    if survey.unfinished:
        message = f"an earlier compile was cut off while it wrote {survey.generated}/"
        yield error("O605", message, _span(survey, JOURNAL), f"{COMPILE}, which completes it")


def _each(
    survey: Survey, code: str, paths: Sequence[str], state: str, hint: str
) -> Iterable[Diagnostic]:
    """A finding for each path, or for each unit where that would be a flood."""
    units: dict[str, list[str]] = {}
    for path in paths:
        units.setdefault(unit_of(path), []).append(path)
    for unit, inside in units.items():
        if len(inside) <= FEW:
            for path in inside:
                yield error(code, f"{_place(survey, path)} is {state}", _span(survey, path), hint)
            continue
        message = f"{len(inside)} files of {_place(survey, unit)} are {state}"
        notes = [Note(f"{_place(survey, path)} is one of them") for path in inside[:FEW]]
        yield error(code, message, _span(survey, inside[0]), hint, notes)


def _edited(survey: Survey, path: str) -> Diagnostic:
    if is_ledger(path):
        message = f"{_place(survey, path)} cannot be read: edited by hand, or a merge in conflict"
        return error("O602", message, _span(survey, path), COMPILE)
    message = f"{_place(survey, path)} was edited by hand"
    hint = f"change its model, presets or overlays instead, then {COMPILE}, which overwrites it"
    return error("O602", message, _span(survey, path), hint)


def _left_alone(survey: Survey) -> Iterable[Diagnostic]:
    for path in survey.foreign:
        message = f"{_place(survey, path)} was not written by modelmill and is left alone"
        yield warning("O610", message, _span(survey, path))


def _span(survey: Survey, path: str) -> Span:
    return Span(_place(survey, path), 1, 1)


def _place(survey: Survey, path: str) -> str:
    # A name on disk need not be text; it is shown with its odd bytes escaped.
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return f"{survey.generated}/{name}" if name else survey.generated
