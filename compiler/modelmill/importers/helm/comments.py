"""The comments of a values file, by the key or item they are about.

In: the file's text, where its scalars stand and where its entries begin. Out: comments by path.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

Path: TypeAlias = tuple[str | int, ...]

_BEFORE, _AFTER, _BELOW = range(3)
_comment = regex(r"(?:^|(?<=\s))#(.*)$")


class Comment(NamedTuple):
    """Comment lines of one key or item, without their `#`.

    before  lines above it
    after   the rest of its own line
    below   lines under it that belong to no later key
    """

    before: tuple[str, ...] = ()
    after: str = ""
    below: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A key or an item: its path, and the 1-based line and column at which it begins.

    inline  inside brackets or braces
    """

    path: Path
    line: int
    column: int
    inline: bool


class Extent(NamedTuple):
    """Where a scalar stands: 0-based lines and columns, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    is_block: bool


class _Line(NamedTuple):
    number: int
    column: int
    text: str
    alone: bool


def comments_of(
    text: str, entries: Sequence[Entry], extents: Sequence[Extent]
) -> Mapping[Path, Comment]:
    """Every comment of the text, each at one path; () has a head with an empty row below it."""
    if not entries:
        return {}
    rows = text.splitlines()
    head = _last_blank(rows[: entries[0].line - 1])
    starts = [entry.line for entry in entries]
    texts: dict[Path, tuple[list[str], list[str], list[str]]] = {}
    for line in _lines(rows, extents):
        at = bisect_right(starts, line.number) - 1
        owner, part = _owner(entries, at, line) if line.number >= head else ((), _BEFORE)
        texts.setdefault(owner, ([], [], []))[part].append(line.text)
    return {
        path: Comment(tuple(before), " ".join(each.strip() for each in after), tuple(below))
        for path, (before, after, below) in texts.items()
    }


def _owner(entries: Sequence[Entry], at: int, line: _Line) -> tuple[Path, int]:
    """What a comment is about, and on which side of it the comment stands."""
    if not line.alone:
        return _beside(entries, max(at, 0)), _AFTER
    following = _following(entries, at, line)
    return (following, _BEFORE) if following else (_enclosing(entries, at, line), _BELOW)


def _beside(entries: Sequence[Entry], at: int) -> Path:
    """What a comment on the line of `at` is about: not the last word in brackets, but the key."""
    line, last = entries[at].line, at
    while at >= 0 and entries[at].line == line and entries[at].inline:
        at -= 1
    return entries[at if at >= 0 and entries[at].line == line else last].path


def _following(entries: Sequence[Entry], at: int, line: _Line) -> Path | None:
    """The entry a comment stands above: the next one, unless that is further out."""
    if at + 1 >= len(entries):
        return None
    after = entries[at + 1]
    return None if at >= 0 and line.column > after.column else after.path


def _enclosing(entries: Sequence[Entry], at: int, line: _Line) -> Path:
    """The last entry above a comment that is not further in than it."""
    for entry in reversed(entries[: at + 1]):
        if entry.column <= line.column:
            return entry.path
    return ()


def _last_blank(rows: Sequence[str]) -> int:
    """The 1-based number of the last empty row; 0 without one."""
    return max((at + 1 for at, row in enumerate(rows) if not row.strip()), default=0)


def _lines(rows: Sequence[str], extents: Sequence[Extent]) -> list[_Line]:
    """The rows that hold a comment."""
    long = [e for e in extents if e.end_line > e.line]
    hidden = {n for e in long for n in range(e.line + 1, e.end_line)}
    taken = {e.line for e in long if not e.is_block}
    ends: dict[int, int] = {}
    for extent in extents:
        ends[extent.end_line] = max(ends.get(extent.end_line, 0), extent.end_column)
    found = []
    for number, row in enumerate(rows):
        if number in hidden or number in taken or "#" not in row:
            continue
        match = _comment.search(row, ends.get(number, 0))
        if match:
            alone = not row[: match.start()].strip()
            text = match[1].rstrip().removeprefix(" ")
            found.append(_Line(number + 1, match.start() + 1, text, alone))
    return found
