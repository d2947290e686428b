"""For code scanning: SARIF 2.1.0, one run.

In: diagnostics. Out: one JSON object, errors first, of at most the 5,000 results that GitHub keeps
of an upload. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from modelmill.diagnostics import Diagnostic, Note, Span
from modelmill.reports.wording import note_sentence, visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5000

# One result without a place and GitHub refuses the whole upload ("expected at least one location"):
# what is wrong with no file in particular is reported at the project file.
WHOLE_REPOSITORY = Span("modelmill.yaml", 1, 1)


def render(diagnostics: Sequence[Diagnostic], _texts: Mapping[str, str], _color: bool) -> str:
    import json

    kept = sorted(diagnostics, key=lambda d: d.severity)[:MOST_RESULTS]
    codes = sorted({d.code for d in kept})
    run = {
        "tool": {"driver": {"name": "modelmill", "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": list(_results(kept, codes)),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, object]:
    return {"id": code, "help": {"text": f"See docs/diagnostics/{code}.md"}}


def _results(kept: Sequence[Diagnostic], codes: Sequence[str]) -> Iterator[dict[str, object]]:
    rule_index = {code: index for index, code in enumerate(codes)}
    seen: Counter[str] = Counter()
    for d in kept:
        fingerprint = _fingerprint(d)
        seen[fingerprint] += 1
        yield {
            "ruleId": d.code,
            "ruleIndex": rule_index[d.code],
            "level": d.severity,
            "message": {"text": _message(d)},
            "locations": [_location(d.span or WHOLE_REPOSITORY)],
            "partialFingerprints": {"modelmill/v1": f"{fingerprint}:{seen[fingerprint]}"},
            **_related(d.notes),
        }


def _fingerprint(d: Diagnostic) -> str:
    """The same finding stays the same alert when lines above it come and go."""
    import hashlib

    path = d.span.path if d.span else ""
    said = "\0".join((d.code, path, d.message))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _message(d: Diagnostic) -> str:
    """The message, its hint and the notes that have no place; the others are related locations."""
    notes = (note_sentence(note) for note in d.notes if note.span is None)
    return "\n".join(_prose(line) for line in (d.message, d.hint, *notes) if line)


def _prose(text: str) -> str:
    """Readers make a link of `[words](target)` in a message: no name in a file may be one."""
    return visible(text).replace("](", "] (")


def _related(notes: Sequence[Note]) -> dict[str, object]:
    placed = ((note.span, note.message) for note in notes if note.span)
    locations = [
        {"id": number, **_location(span), "message": {"text": _prose(message)}}
        for number, (span, message) in enumerate(placed, 1)
    ]
    return {"relatedLocations": locations} if locations else {}


def _location(span: Span) -> dict[str, object]:
    from urllib.parse import quote

    uri = quote(span.path, errors="surrogatepass")
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.line,
        "endColumn": span.column + max(1, span.width),
    }
    artifact = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
