"""Findings a model accepts: `accept: {CODE: reason}`.

In: a model's document and what was found of it. Out: the same, with accepted errors as warnings
that tell the reason. Which codes can be accepted, their registry says.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.catalog import Document
from modelmill.codes import CODES
from modelmill.diagnostics import Diagnostic, Note, error, warning

ACCEPTABLE = {each.code: each.title for each in CODES if each.acceptable}


def accepted(model: Document, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings, accepted ones as warnings."""
    reasons = model.record.accept
    return [_softened(each, reasons.get(each.code, "")) for each in found]


def _softened(found: Diagnostic, reason: str) -> Diagnostic:
    if not reason or found.severity != "error" or found.code not in ACCEPTABLE:
        return found
    return found._replace(severity="warning", notes=(*found.notes, Note(f"accepted: {reason}")))


def misused(model: Document, found: Iterable[Diagnostic] | None) -> list[Diagnostic]:
    """What is accepted and cannot be, or is not found; `found` is None where not all was judged."""
    reasons = model.record.accept
    seen = None if found is None else {each.code for each in found}
    return [
        diagnostic
        for code, reason in reasons.items()
        for diagnostic in _misused(model, code, reason, seen)
    ]


def _misused(
    model: Document, code: str, reason: str, seen: set[str] | None
) -> Iterable[Diagnostic]:
    node = model.node.nearest("accept", code)
    if code not in ACCEPTABLE:
        hint = "these can be: " + ", ".join(ACCEPTABLE)
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
