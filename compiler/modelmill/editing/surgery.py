"""One value put into a YAML text, or taken out of it.

In: a text, a path, and a Fragment or words. Out: the text with just that changed. Whether it then
says what was meant, `edits` proves.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelmill.editing.fragments import Fragment
from modelmill.editing.lines import (
    begins_line,
    below,
    comments_above,
    ending_at,
    line_end,
    line_start,
    next_line,
)
from modelmill.editing.spelling import WIDEST, indented
from modelmill.editing.spots import Entry, Path, Spot, at, spots, walk


def insert(text: str, path: Path, fragment: Fragment) -> str:
    """A new entry in the mapping at `path`, or in place of a null there."""
    root = spots(text)
    holder = at(root, path)
    if holder.is_block:
        return below(text, holder.end, indented(fragment.lines, holder.column))
    parent = at(root, path[:-1])
    if not holder.entries and parent.kind == "mapping" and not parent.flow and path:
        if fragment.of_lines or len(fragment.lines) > 1:
            lines = indented(fragment.lines, parent.column + 2)
            return _write(text, walk(root, path)[-1], "", lines)
        return _write(text, walk(root, path)[-1], "{" + fragment.inline + "}")
    changed = _insert_inline(text, holder, fragment.inline)
    is_long = line_end(changed, holder.start) - line_start(changed, holder.start) > WIDEST
    if fragment.of_lines or is_long:
        opened = _opened(text, root, path)
        if opened is not None:
            return insert(opened, path, fragment)
    return changed


def replace(text: str, path: Path, first: str, lines: Sequence[str] = ()) -> str:
    """The value at `path` by other words, and by lines below that are indented as for its key."""
    root = spots(text)
    column = at(root, path[:-1]).column
    return _write(text, walk(root, path)[-1], first, indented(lines, column))


def remove(text: str, path: Path) -> str:
    """Without the entry at `path`; what is left empty by it becomes `{}`."""
    root = spots(text)
    holder, entry = at(root, path[:-1]), walk(root, path)[-1]
    if len(holder.entries) == 1:
        if holder.is_block and len(path) > 1:
            return _write(text, walk(root, path[:-1])[-1], "{}")
        return text[: holder.start] + "{}" + text[holder.end :]
    if holder.is_block and not begins_line(text, entry.start):
        return _remove_behind_dash(text, entry, holder.entries[1])
    if holder.is_block:
        start = comments_above(text, entry.start, holder.column)
        end = next_line(text, line_end(text, entry.value.end))
        return _without_lines(text, start, end)
    return _remove_inline(text, holder, entry)


def _write(text: str, entry: Entry, first: str, lines: Sequence[str] = ()) -> str:
    """An entry's value by what stands on the line of its key, and by lines below. The comment on
    that line stays."""
    spot = entry.value
    is_below = spot.is_block and "\n" in text[entry.after : spot.start]
    if is_below:
        start = end = text.index(":", entry.after) + 1
        stop = line_end(text, spot.end)
        text = text[: line_end(text, end)] + text[stop:]
    else:
        start, end = spot.start, spot.end
    if spot.kind == "literal":
        first += _comment(text[start : line_end(text, start)])
    before = text[:start].rstrip(" ") if not first else text[:start]
    if first and before[-1:] == ":":
        before += " "
    if first and not is_below and ":" not in text[entry.after : start] and entry.key:
        before += ": "
    changed = before + first + text[end:]
    return below(changed, len(before) + len(first), lines) if lines else changed


def _comment(header: str) -> str:
    """The comment behind `|` or `>`, with the blanks before it."""
    return header[len(header.partition("#")[0].rstrip()) :] if "#" in header else ""


def _insert_inline(text: str, holder: Spot, inside: str) -> str:
    """An entry at the end of a mapping in braces; on a line of its own where the last one is."""
    if not holder.entries:
        space = "" if text[holder.start - 1 : holder.start] != ":" else " "
        return text[: holder.start] + space + "{" + inside + "}" + text[holder.end :]
    last = holder.entries[-1]
    end = last.value.end
    if not begins_line(text, last.start):
        return f"{text[:end]}, {inside}{text[end:]}"
    pad = text[line_start(text, last.start) : last.start]
    rest = text[end : line_end(text, end)].lstrip()
    if rest.startswith(","):
        return below(text, end, [f"{pad}{inside},"])
    if rest and not rest.startswith("#"):
        return f"{text[:end]},{ending_at(text, end)}{pad}{inside}{text[end:]}"
    return below(f"{text[:end]},{text[end:]}", end, [pad + inside])


def _opened(text: str, root: Spot, path: Path) -> str | None:
    """The text with the mappings along a path written as blocks rather than in braces; None where
    that is not possible."""
    trail = walk(root, path)
    first = next((i for i, entry in enumerate(trail) if entry.value.flow), len(trail))
    parent = trail[first - 1].value if first else root
    is_open = first < len(trail) and parent.kind == "mapping" and bool(trail[first].value.entries)
    if not is_open or any(entry.value.kind != "mapping" for entry in trail[first:]):
        return None
    outermost = trail[first].value
    if "\n" in text[outermost.start : outermost.end]:
        return None
    lines = _block(text, trail[first:])
    return _write(text, trail[first], "", indented(lines, parent.column + 2))


def _block(text: str, trail: Sequence[Entry]) -> list[str]:
    """The mapping that a trail begins with as lines, opened along the trail."""
    lines: list[str] = []
    for entry in trail[0].value.entries:
        key = text[entry.start : entry.after]
        if trail[1:2] == [entry] and entry.value.entries:
            lines += [f"{key}:", *indented(_block(text, trail[1:]), 2)]
        else:
            lines.append(f"{key}: {text[entry.value.start : entry.value.end]}".rstrip())
    return lines


def _remove_behind_dash(text: str, entry: Entry, following: Entry) -> str:
    """Without the first key of a list's item, whose place the second takes. A comment between them
    would be lost, so that is left to a person."""
    end = next_line(text, entry.value.end)
    return (
        text[: entry.start] + text[following.start :]
        if not text[end : following.start].strip()
        else text
    )


def _remove_inline(text: str, holder: Spot, entry: Entry) -> str:
    index = holder.entries.index(entry)
    end = entry.value.end
    rest = text[end : line_end(text, end)].lstrip().removeprefix(",").lstrip()
    if begins_line(text, entry.start) and (not rest or rest.startswith("#")):
        return _without_lines(text, line_start(text, entry.start), next_line(text, end))
    if index + 1 < len(holder.entries):
        return text[: entry.start] + text[holder.entries[index + 1].start :]
    return text[: holder.entries[index - 1].value.end] + text[end:]


def _without_lines(text: str, start: int, end: int) -> str:
    """Without whole lines. A text whose last line had no end keeps none."""
    if end == len(text) and not text.endswith("\n"):
        return text[:start].removesuffix("\n").removesuffix("\r")
    return text[:start] + text[end:]
