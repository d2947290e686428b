"""V330–V332: no secret's value stands in a file, be it in a comment; and none is ever shown.

In: texts of files, and objects. Out: findings that do not say the value; and findings, with the
texts they quote from, without any value at all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.secret_patterns import RANDOM, masked, secrets_in, starred

REVOKE = "revoke it, as Git keeps what was committed, and refer to a Secret by its name"
IF_NONE = "refer to a Secret by its name; if this is none, allow it under `policies.secrets`"
HOLD_VALUES = frozenset({"C528", "V330", "V331", "V332"})
"""Codes whose findings stand at a secret's value."""
BY_ITS_PLACE = frozenset({"C517", "C528", "G902", "V332"})
"""Codes that say of a value what its place says of it."""

# As YAML 1.1 counts lines, by which places are told.
_breaks = regex("\r\n|[\n\r\x85\u2028\u2029]")
# SOPS, vals, the Argo CD Vault plugin, Flux' and shells' variables: no values, but where they are.
_is_reference = regex(
    r"ENC\[.*\]|ref\+.*|<.*>|(?>.*?(?:\$\{|\{\{|\$\()).*|(x+|\*+|\.\.\.|TODO|changeme|REPLACE.*)?",
    re.IGNORECASE | re.DOTALL,
)
SHORTEST = 6
"""A shorter value is masked where it stands, not wherever the same letters occur."""


def findings(path: str, text: str) -> Iterator[Diagnostic]:
    """Secrets in the text of a file."""
    starts: list[int] = []
    for each in secrets_in(text):
        starts = starts or [0, *(found.end() for found in _breaks.finditer(text))]
        line = bisect_right(starts, each.start)
        end = min([each.end, *starts[line : line + 1]])
        width = len(text[each.start : end].rstrip())
        span = Span(path, line, each.start - starts[line - 1] + 1, max(1, width))
        if each.what == RANDOM:
            yield error("V331", "this looks like a secret's value", span, IF_NONE)
        else:
            yield error("V330", f"{each.what} stands here", span, REVOKE)


def values_of(resource: Resource) -> Iterator[tuple[tuple[str, str], str]]:
    """Where a Secret holds a value itself, and what is said of it: nothing where it is encrypted,
    or a tool of delivery puts it in."""
    if resource.kind != "Secret" or resource.body.get("sops") is not None:
        return
    for part in ("data", "stringData"):
        entries: Any = resource.body.get(part)
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            if not (value is None or _is_reference.fullmatch(str(value))):
                yield (part, str(key)), f"the Secret `{resource.name}` holds the value of `{key}`"


def with_secrets(found: Iterable[Diagnostic], texts: Mapping[str, str]) -> list[Diagnostic]:
    """Findings, and the secrets in the texts of files."""
    secrets = (d for path, text in texts.items() for d in findings(path, text))
    return without_repeats([*found, *secrets])


def without(values: Iterable[str], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts with `*` for every character of the values."""
    return {path: _without(values, text) for path, text in texts.items()}


def _without(values: Iterable[str], text: str) -> str:
    for value in values:
        text = text.replace(value, starred(value))
    return text


def without_repeats(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Without what only says again of a value that it is a secret."""
    told = list(found)
    places = {(d.span.path, d.span.line) for d in told if d.code in BY_ITS_PLACE and d.span}
    return [
        d
        for d in told
        if d.code not in ("V330", "V331") or not d.span or (d.span.path, d.span.line) not in places
    ]


def shown(
    found: Sequence[Diagnostic], texts: Mapping[str, str]
) -> tuple[list[Diagnostic], dict[str, str]]:
    """Findings, and what is quoted of texts, with `*` for every secret."""
    paths = {span.path for d in found for span in _spans(d)}
    quoted = {path: masked(texts[path]) for path in paths if path in texts}
    hidden: set[str] = set()
    for path in quoted:
        hidden |= {texts[path][each.start : each.end] for each in secrets_in(texts[path])}
    for d in found:
        if d.code in HOLD_VALUES and d.span and d.span.path in quoted:
            quoted[d.span.path], value = _starred_at(quoted[d.span.path], d.span)
            hidden.add(value)
    whole = sorted((each for each in hidden if len(each) >= SHORTEST), key=len, reverse=True)
    return [_scrubbed(d, whole) for d in found], quoted


def _spans(diagnostic: Diagnostic) -> Iterator[Span]:
    return (each for each in (diagnostic.span, *(n.span for n in diagnostic.notes)) if each)


def _starred_at(text: str, span: Span) -> tuple[str, str]:
    """The text with what is at a place as `*`, and what that was."""
    starts = [0, *(found.end() for found in _breaks.finditer(text))]
    if span.line > len(starts):
        return text, ""
    start = starts[span.line - 1] + span.column - 1
    value = text[start : start + span.width]
    return text[:start] + starred(value) + text[start + span.width :], value.strip("\"'")


def _scrubbed(diagnostic: Diagnostic, hidden: Sequence[str]) -> Diagnostic:
    def scrub(text: str) -> str:
        for each in hidden:
            text = text.replace(each, "***") if each in text and set(each) != {"*"} else text
        return masked(text)

    notes = tuple(Note(scrub(each.message), each.span) for each in diagnostic.notes)
    return diagnostic._replace(
        message=scrub(diagnostic.message), hint=scrub(diagnostic.hint), notes=notes
    )
