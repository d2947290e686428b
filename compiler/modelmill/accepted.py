"""Findings a model accepts: `accept: {CODE: reason}`, or `{CODE: {reason, until}}`.

In: a model's document and what was found of it. Out: the same, with accepted errors as warnings
that tell the reason. Which codes can be accepted, their registry says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, Note, error, warning
from modelmill.spec.documents import Acceptance


@cache
def acceptable() -> Mapping[str, str]:
    """Codes and titles of what can be accepted."""
    from modelmill.codes import CODES

    return {each.code: each.title for each in CODES if each.acceptable}


def accepted(model: Document, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings, accepted ones as warnings."""
    entries = _entries(model)
    return [_softened(each, entries.get(each.code)) for each in found]


def _entries(model: Document) -> dict[str, Acceptance]:
    """What is accepted, by code; a text alone is the reason."""
    written: Mapping[str, str | Acceptance] = model.record.accept
    return {
        code: entry if isinstance(entry, Acceptance) else Acceptance(reason=entry)
        for code, entry in written.items()
    }


def _softened(found: Diagnostic, entry: Acceptance | None) -> Diagnostic:
    if entry is None or not entry.reason:
        return found
    if found.severity != "error" or found.code not in acceptable():
        return found
    until = f" until {entry.until}" if entry.until is not None else ""
    note = Note(f"accepted{until}: {entry.reason}")
    return found._replace(severity="warning", notes=(*found.notes, note))


def misused(model: Document, found: Iterable[Diagnostic] | None) -> list[Diagnostic]:
    """What is accepted and cannot be, or is not found; `found` is None where not all was judged."""
    entries = _entries(model)
    seen = None if found is None else {each.code for each in found}
    return [
        diagnostic
        for code, entry in entries.items()
        for diagnostic in _misused(model, code, entry.reason, seen)
    ]


def _misused(
    model: Document, code: str, reason: str, seen: set[str] | None
) -> Iterable[Diagnostic]:
    node = model.node.nearest("accept", code)
    if code not in acceptable():
        hint = "these can be: " + ", ".join(acceptable())
        yield error("C540", f"`{code}` is no finding that a model can accept", node.key_span, hint)
    elif not reason.strip():
        yield error("C540", f"`{code}` is accepted without a reason", node.span, "say why")
    elif seen is not None and code not in seen:
        yield warning(
            "C540",
            f"`{code}` is accepted, and nothing is found that it is about",
            node.key_span,
            "take it out",
        )
