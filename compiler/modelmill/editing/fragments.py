"""An entry to be put into a mapping, in the two ways it may have to be written.

In: a key and its value, or an entry of the same text whose words and comments are taken over.
Out: a Fragment.
"""

from __future__ import annotations

from typing import Any

from modelmill.editing.lines import begins_line, comments_above, line_end
from modelmill.editing.spelling import WIDEST, needs_lines, pair, pair_lines
from modelmill.editing.spots import Path, Spot, at, walk
from modelmill.tuples import NamedTuple

IN_BRACES = frozenset(",[]{}")
"""What a plain scalar may hold, but not in braces."""


class Fragment(NamedTuple):
    """inline: for braces. lines: for a block, with nothing before the key. of_lines: it is better
    as lines, because it has comments, or text of several lines."""

    inline: str
    lines: tuple[str, ...]
    of_lines: bool


def made(holder: Spot, key: str, value: Any) -> Fragment:
    """An entry written anew, as those beside it are."""
    inside = pair(key, value)
    collections = [e.value for e in holder.entries if e.value.kind in ("mapping", "list")]
    in_blocks = bool(collections) and all(each.is_block for each in collections)
    fits = holder.column + len(inside) <= WIDEST
    is_short = fits and not in_blocks and not needs_lines(value)
    return Fragment(inside, tuple([inside] if is_short else pair_lines(key, value)), not fits)


def taken(text: str, root: Spot, path: Path, value: Any) -> Fragment:
    """An entry that stands in the text already, word for word, with the comments of its key."""
    entry = walk(root, path)[-1]
    holder = at(root, path[:-1])
    inline = words(text, entry.value, in_braces=True)
    inside = pair(entry.key, value)
    if inline is not None:
        inside = f"{text[entry.start : entry.after]}: {inline}"
    if holder.flow or not begins_line(text, entry.start):
        return Fragment(inside, (inside,), False)
    start = comments_above(text, entry.start, holder.column)
    lines = _dedented(text[start : line_end(text, entry.value.end)], holder.column)
    return Fragment(inside, tuple(lines), len(lines) > 1 or _has_comment(text, entry.value))


def words(text: str, spot: Spot, *, in_braces: bool) -> str | None:
    """The value as it stands, if it is of one line; None if it must be written anew."""
    written = text[spot.start : spot.end]
    if spot.is_block or spot.kind == "literal" or "\n" in written:
        return None
    is_plain = spot.kind == "scalar" and written[:1] not in ("'", '"')
    if in_braces and is_plain and (not written or IN_BRACES & set(written)):
        return None
    return written


def value_lines(text: str, root: Spot, path: Path) -> tuple[str, tuple[str, ...]] | None:
    """A value that is a block: what stands behind its key, and the lines below. None for others."""
    entry = walk(root, path)[-1]
    holder, spot = at(root, path[:-1]), entry.value
    if holder.kind != "mapping" or holder.flow or not (spot.is_block or spot.kind == "literal"):
        return None
    first = ""
    if spot.kind == "literal":
        first = text[spot.start : line_end(text, spot.start)].partition("#")[0].strip()
    start = line_end(text, entry.after)
    lines = _dedented(text[start : line_end(text, spot.end)], holder.column)
    return first, tuple(lines[1:])


def _dedented(block: str, column: int) -> list[str]:
    lines = block.replace("\r\n", "\n").split("\n")
    return [line[min(column, len(line) - len(line.lstrip(" "))) :] for line in lines]


def _has_comment(text: str, spot: Spot) -> bool:
    return text[spot.end : line_end(text, spot.end)].lstrip().startswith("#")
