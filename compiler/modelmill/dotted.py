"""Paths to values as people write them: `roles.decode.engine.args["a.b"][0]`.

In: text, or segments. Out: the other. A key that holds a dot or another special character is quoted
in brackets; a number in brackets is a place in a list.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.regexes import regex

_plain = regex(r"[A-Za-z0-9_-]+")
_segment = regex(r'([A-Za-z0-9_-]+)|\["([^"]+)"\]|\[([0-9]{1,6})\]|(\.)')


def parse_path(text: str) -> tuple[str | int, ...] | None:
    """`a.b["c.d"][0]` as segments; None if it is not a path."""
    segments: list[str | int] = []
    position, expects_name = 0, True
    while position < len(text):
        matched = _segment.match(text, position)
        if matched is None:
            return None
        name, quoted, index, dot = matched.groups()
        if dot:
            if expects_name:
                return None
            expects_name = True
        elif name is not None:
            if not expects_name:
                return None
            segments.append(name)
            expects_name = False
        else:
            if expects_name and segments:
                return None
            segments.append(quoted if quoted is not None else int(index))
            expects_name = False
        position = matched.end()
    return None if expects_name or not segments else tuple(segments)


def spell(path: Iterable[str | int]) -> str:
    """Segments as `parse_path` reads them: `a.b["c.d"][0]`."""
    written = ""
    for segment in path:
        if isinstance(segment, int):
            written += f"[{segment}]"
        elif _plain.fullmatch(segment):
            written += f".{segment}" if written else segment
        else:
            written += f'["{segment}"]'
    return written
