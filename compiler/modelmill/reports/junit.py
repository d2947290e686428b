"""For test dashboards: JUnit XML, one suite, a failed case per error.

In: diagnostics. Out: one XML document; a single passing case when nothing was found, since readers
take an empty suite for a run that broke. No time and no host is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelmill.diagnostics import Diagnostic
from modelmill.reports.wording import sentences

# What XML 1.0 cannot hold; and of what it can, controls and what turns the direction of text. Not
# compiled here: that takes milliseconds, and few runs write JUnit.
# https://www.w3.org/TR/xml/#charsets
NOT_TEXT = "[^\t\n\r -~\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;"}
)
PASSED = '  <testcase classname="modelmill" name="modelmill"/>'


def render(diagnostics: Sequence[Diagnostic], _texts: Mapping[str, str], _color: bool) -> str:
    failures = sum(d.severity == "error" for d in diagnostics)
    cases = [_case(d) for d in diagnostics] or [PASSED]
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuite name="modelmill" {counts}>']
    return "\n".join([*lines, *cases, "</testsuite>"]) + "\n"


def _case(d: Diagnostic) -> str:
    classname = d.span.path if d.span else "modelmill"
    place = f"{d.span.line}:{d.span.column}: " if d.span else ""
    name = f"{place}{d.code}: {d.message}"
    return (
        f'  <testcase classname="{_escaped(classname)}" name="{_escaped(name)}">\n'
        f"    {_outcome(d)}\n"
        "  </testcase>"
    )


def _outcome(d: Diagnostic) -> str:
    place = f"{d.span}: " if d.span else ""
    told = _escaped("\n".join((f"{place}{d.severity}[{d.code}]: {d.message}", *sentences(d)[1:])))
    if d.severity == "warning":
        return f"<system-out>{told}</system-out>"
    return f'<failure type="{_escaped(d.code)}" message="{_escaped(d.message)}">{told}</failure>'


def _escaped(text: str) -> str:
    return re.sub(NOT_TEXT, "", text).translate(ENTITIES)
