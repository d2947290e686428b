"""The coats a diagnostic can wear: one file per format, listed here in the order users see.

In: tidy diagnostics and the source texts by path. Out: the whole report as text. Nothing is printed
here and no file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from modelmill.diagnostics import Diagnostic


class Format(Protocol):
    """What every file of this folder offers (`wording` aside, which they share)."""

    def render(
        self, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool, /
    ) -> str: ...


FORMATS = {
    "text": "text",
    "json": "json_report",
    "github": "github",
    "sarif": "sarif",
    "junit": "junit",
}
"""By name, the file of each; one report takes one of them."""


def render(
    format_name: str,
    diagnostics: Sequence[Diagnostic],
    texts: Mapping[str, str],
    color: bool = False,
) -> str:
    """The report in the named format. `texts` may lack a path: then nothing is quoted from it."""
    form = cast(Format, import_module(f"modelmill.reports.{FORMATS[format_name]}"))
    return form.render(diagnostics, texts, color)
