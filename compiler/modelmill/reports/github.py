"""For GitHub Actions: one workflow command per diagnostic, shown at its line of a pull request.

In: diagnostics. Out: a line each. Hint and notes follow the message, since a command has no place
for them. https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelmill.diagnostics import Diagnostic, Span
from modelmill.reports.wording import sentences, visible


def render(diagnostics: Sequence[Diagnostic], _texts: Mapping[str, str], _color: bool) -> str:
    return "".join(f"{_command(d)}\n" for d in diagnostics)


def _command(d: Diagnostic) -> str:
    properties = {**_place(d.span), "title": d.code}
    assigned = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{d.severity} {assigned}::{_message(sentences(d))}"


def _place(span: Span | None) -> dict[str, str]:
    """Both ends are inclusive: an omitted end means the start, says the runner's toolkit."""
    if span is None:
        return {}
    return {
        "file": span.path,
        "line": str(span.line),
        "endLine": str(span.line),
        "col": str(span.column),
        "endColumn": str(span.column + max(1, span.width) - 1),
    }


def _message(lines: Sequence[str]) -> str:
    return _escaped("\n".join(lines))


def _property(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    """The three characters a command line cannot hold; other control characters made visible."""
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
