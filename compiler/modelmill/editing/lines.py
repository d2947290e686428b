"""Lines of a text, by offset.

In: a text with either line end, or both, and places in it. Out: the lines around them, or the
text with further ones, ended as the one above is.
"""

from __future__ import annotations

from collections.abc import Sequence


def line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the line that holds `at` ends, before its line end."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > at and text[end - 1] == "\r" else end


def next_line(text: str, at: int) -> int:
    """Where the next line begins."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def ending_at(text: str, at: int) -> str:
    """How the line that holds `at` ends; one without an end as others do."""
    end = line_end(text, at)
    is_crlf = text.startswith("\r\n", end) if end < len(text) else "\r\n" in text
    return "\r\n" if is_crlf else "\n"


def below(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with further lines below the one that holds `at`, ended as that one is."""
    end, ending = line_end(text, at), ending_at(text, at)
    return text[:end] + "".join(ending + line for line in lines) + text[end:]


def comments_above(text: str, at: int, column: int) -> int:
    """Where the comments begin that stand right above a key, indented as it is."""
    start = line_start(text, at)
    while start:
        above = line_start(text, start - 1)
        line = text[above:start]
        if not line.startswith(" " * column + "#"):
            break
        start = above
    return start


def begins_line(text: str, at: int) -> bool:
    """Whether nothing but blanks stands before on its line."""
    return not text[line_start(text, at) : at].strip(" ")
