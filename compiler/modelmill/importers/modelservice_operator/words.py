"""Arguments as flags with what follows them.

In: words. Out: the words of both sides with each flag from one of them, and the flags both set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_number = re.compile(r"-[0-9.]").match


def joined(base: Sequence[str], upper: Sequence[str]) -> list[str]:
    """The upper words, then the base's without the flags that the upper ones set."""
    set_above = flags(upper)
    return [
        *upper,
        *(word for name, group in _groups(base) if name not in set_above for word in group),
    ]


def repeated(base: Sequence[str], upper: Sequence[str]) -> list[str]:
    """The flags both sides set, as the base spells them."""
    set_above = flags(upper)
    return [
        group[0].partition("=")[0] for name, group in _groups(base) if name and name in set_above
    ]


def flags(words: Sequence[str]) -> set[str]:
    return {name for name, _ in _groups(words) if name}


def value_of(words: Sequence[str], *names: str) -> str | None:
    """What the last of the flags of these names is given; None without one."""
    found = None
    for name, group in _groups(words):
        if name in names:
            _, equals, value = group[0].partition("=")
            found = value if equals else " ".join(group[1:])
    return found


def _groups(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Flags with their values, by name with `_` as `-`; words before the first flag have none."""
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word.startswith("-") and len(word) > 1 and not _number(word):
            groups.append((word.partition("=")[0].replace("_", "-"), [word]))
        elif groups:
            groups[-1][1].append(word)
        else:
            groups.append(("", [word]))
    return groups
