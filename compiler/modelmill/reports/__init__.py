"""The coats a diagnostic can wear: one file per format, listed here in the order users see.

In: tidy diagnostics and the source texts by path. Out: the whole report as text. Nothing is printed
here and no file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from modelmill.diagnostics import Diagnostic
from modelmill.reports import github, json_report, junit, sarif, text


class Format(Protocol):
    """What every file of this folder offers (`wording` aside, which they share)."""

    NAME: str

    def render(
        self, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool, /
    ) -> str: ...


FORMATS: tuple[Format, ...] = (text, json_report, github, sarif, junit)


def render(
    format_name: str,
    diagnostics: Sequence[Diagnostic],
    texts: Mapping[str, str],
    color: bool = False,
) -> str:
    """The report in the named format. `texts` may lack a path: then nothing is quoted from it."""
    by_name = {each.NAME: each for each in FORMATS}
    return by_name[format_name].render(diagnostics, texts, color)
