"""Findings that have one right answer, answered in the text they are about.

In: texts by path, findings, and a judge of texts. Out: the texts with what was right, and what was
done. Every other character of a text stays. Of several answers that one is right which alone leaves
nothing to find at its line; where two are as good, a person has to say. Never: a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from modelmill.diagnostics import Diagnostic, Fix, Span
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

Judge = Callable[[str, str], Sequence[int]]
"""The line of each fault of a file, by its path and text."""

_breaks = regex("\r\n|[\n\r\x85\u2028\u2029]")


class Done(NamedTuple):
    """What was fixed, and how."""

    span: Span
    fix: Fix
    code: str


class Fixed(NamedTuple):
    """Texts that changed, by path."""

    texts: Mapping[str, str]
    done: tuple[Done, ...]


def fixed(texts: Mapping[str, str], found: Iterable[Diagnostic], judge: Judge) -> Fixed:
    """One round: fixes that bring others to light are for the next."""
    by_path: dict[str, dict[Span, Diagnostic]] = {}
    for each in found:
        if each.fixes and each.span is not None and each.span.path in texts:
            by_path.setdefault(each.span.path, {}).setdefault(each.span, each)
    changed, done = {}, []
    for path, here in sorted(by_path.items()):
        text = texts[path]
        # From the last to the first: what is changed behind a place does not move it.
        for each in sorted(here.values(), key=lambda d: d.span or Span("", 0, 0), reverse=True):
            choice = _right(path, text, each, list(here.values()), judge)
            if choice is not None and each.span is not None:
                text = choice[1]
                done.append(Done(each.span, choice[0], each.code))
        if text != texts[path]:
            changed[path] = text
    return Fixed(changed, tuple(sorted(done)))


def _right(
    path: str, text: str, finding: Diagnostic, beside: Sequence[Diagnostic], judge: Judge
) -> tuple[Fix, str] | None:
    """The one fix that is right, and the text with it. What else is wrong in the file may hide what
    is wrong with a fix, so that all others are tried with it as if they were right."""
    assert finding.span is not None
    before = judge(path, _with_all(text, finding, None, beside))
    right: list[tuple[Fix, str]] = []
    for fix in finding.fixes:
        alone = replaced(text, finding.span, fix)
        wrong = judge(path, _with_all(text, finding, fix, beside))
        fewer = len(wrong) - len(before)
        # A fault of form hides all others; what checks find no file tells by itself.
        is_better = fewer < 0 or finding.code[0] == "Y" or (fewer == 0 and finding.code[0] == "C")
        if alone is not None and is_better and finding.span.line not in wrong:
            right.append((fix, alone))
    return right[0] if len(right) == 1 else None


def _with_all(text: str, finding: Diagnostic, fix: Fix | None, beside: Sequence[Diagnostic]) -> str:
    for each in sorted(beside, key=lambda d: d.span or Span("", 0, 0), reverse=True):
        one = fix if each is finding else each.fixes[0]
        text = (replaced(text, each.span, one) if one is not None else None) or text
    return text


def replaced(text: str, span: Span | None, fix: Fix) -> str | None:
    """The text with a fix at a place; None where what it is for does not stand there just once."""
    if span is None:
        return None
    starts = [0, *(found.end() for found in _breaks.finditer(text))]
    if span.line > len(starts):
        return None
    start = starts[span.line - 1] + span.column - 1
    there = text[start : start + span.width]
    if there.count(fix.old) != 1:
        return None
    return text[:start] + there.replace(fix.old, fix.new) + text[start + span.width :]
