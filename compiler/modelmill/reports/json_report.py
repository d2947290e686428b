"""For programs: a versioned contract. Keys may be added to version 1, never renamed or dropped.

In: diagnostics. Out: one JSON object in ASCII; places are 1-based, null where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelmill.diagnostics import Diagnostic, Note, Span

VERSION = 1


def render(diagnostics: Sequence[Diagnostic], _texts: Mapping[str, str], _color: bool) -> str:
    import json

    severities = [d.severity for d in diagnostics]
    document = {
        "version": VERSION,
        "diagnostics": [_diagnostic(d) for d in diagnostics],
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
    }
    return json.dumps(document, indent=2) + "\n"


def _diagnostic(d: Diagnostic) -> dict[str, object]:
    return {
        "code": d.code,
        "severity": d.severity,
        "message": d.message,
        **_place(d.span),
        "hint": d.hint,
        "notes": [_note(note) for note in d.notes],
    }


def _note(note: Note) -> dict[str, object]:
    return {"message": note.message, **_place(note.span)}


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return dict.fromkeys(Span._fields)
    return dict(span._asdict())
