"""For people: place, message, the source line with carets, hint, notes; a count at the end.

In: diagnostics and source texts. Out: lines for a terminal, "" when nothing was found. What a
source file holds never reaches the terminal unescaped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from modelmill.diagnostics import Diagnostic, Note, Span
from modelmill.regexes import regex
from modelmill.reports.wording import visible
from modelmill.tuples import NamedTuple

WIDEST = 160
LEAD = 60
STYLES = {"place": "1", "error": "1;31", "warning": "1;33", "note": "1", "gutter": "34"}

# The breaks YAML 1.1 counts, so that line numbers agree with the parser's.
# https://yaml.org/spec/1.1/#id871136
LINE_BREAK = regex("\r\n|[\n\r\x85\u2028\u2029]")

Paint = Callable[[str, str], str]


class _Excerpt(NamedTuple):
    """A source line as shown, and where its carets go, in terminal columns."""

    line: str
    before: int
    carets: int


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool) -> str:
    if not diagnostics:
        return ""
    paint = _ansi if color else _plain
    paths = {d.span.path for d in diagnostics if d.span}
    sources = {path: _split(texts[path]) for path in paths if path in texts}
    blocks = (_block(d, sources, paint) for d in diagnostics)
    return "\n".join([*chain.from_iterable(blocks), "", summary(diagnostics)]) + "\n"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    severities = [d.severity for d in diagnostics]
    counts = {word: severities.count(word) for word in ("error", "warning")}
    return ", ".join(f"{n} {word}{'s' * (n > 1)}" for word, n in counts.items() if n)


def _block(d: Diagnostic, sources: Mapping[str, Sequence[str]], paint: Paint) -> Iterator[str]:
    label = paint(d.severity, f"{d.severity}[{visible(d.code)}]")
    yield f"{_place(d.span, paint)}{label}: {visible(d.message)}"
    yield from _frame(d, sources, paint)
    for note in d.notes:
        yield _note(note, paint)


def _note(note: Note, paint: Paint) -> str:
    return f"{_place(note.span, paint)}{paint('note', 'note')}: {visible(note.message)}"


def _place(span: Span | None, paint: Paint) -> str:
    return f"{paint('place', visible(str(span)))}: " if span else ""


def _frame(d: Diagnostic, sources: Mapping[str, Sequence[str]], paint: Paint) -> Iterator[str]:
    """The source line, its carets and the hint; the hint alone when there is no line to show."""
    number = f"{d.span.line:>5}" if d.span else " " * 5
    margin = " " * len(number)
    if d.span and 1 <= d.span.line <= len(sources.get(d.span.path, ())):
        shown = _excerpt(sources[d.span.path][d.span.line - 1], d.span)
        yield paint("gutter", f"{number} |") + f" {shown.line}".rstrip()
        carets = paint(d.severity, "^" * shown.carets)
        pointer = f"{' ' * shown.before}{carets} {visible(d.hint)}".rstrip()
        yield f"{paint('gutter', f'{margin} |')} {pointer}"
    elif d.hint:
        yield f"{paint('gutter', f'{margin} =')} hint: {visible(d.hint)}"


def _excerpt(line: str, span: Span) -> _Excerpt:
    """The part of `line` around the span that fits, every character shown as `visible` says."""
    start = min(max(span.column, 1) - 1, len(line))
    first = max(0, start - WIDEST - 1)
    cells = [visible(character) for character in line[first : start + WIDEST + 1]]
    widths = [_width(cell) for cell in cells]
    start -= first
    low, high = _window(widths, start)
    left = "…" if first + low > 0 else ""
    right = "…" if first + high < len(line) else ""
    return _Excerpt(
        line=left + "".join(cells[low:high]) + right,
        before=len(left) + sum(widths[low:start]),
        carets=max(1, sum(widths[start : min(start + span.width, high)])),
    )


def _window(widths: Sequence[int], at: int) -> tuple[int, int]:
    """The range of cells around `at` that fits: all, or two columns are kept for ellipses."""
    if _fitting(widths, WIDEST) == len(widths):
        return 0, len(widths)
    before, after = widths[:at][::-1], widths[at:]
    lead = _fitting(before, LEAD)
    high = at + _fitting(after, WIDEST - 2 - sum(before[:lead]))
    low = at - _fitting(before, WIDEST - 2 - sum(widths[at:high]))
    return low, high


def _fitting(widths: Iterable[int], room: int) -> int:
    """How many fit. A combining mark takes no column but counts as one: lines of marks end too."""
    count = 0
    for width in widths:
        room -= max(1, width)
        if room < 0:
            break
        count += 1
    return count


def _width(text: str) -> int:
    """Terminal columns: wide East Asian characters take two, combining marks none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _split(text: str) -> list[str]:
    """The lines as the parser counts them; a byte order mark is no column."""
    return LINE_BREAK.split(text.removeprefix("\ufeff"))


def _ansi(style: str, text: str) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def _plain(_style: str, text: str) -> str:
    return text
