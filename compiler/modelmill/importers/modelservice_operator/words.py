"""Arguments as flags with what follows them.

In: words. Out: the words of both sides with each flag from one of them, and the flags both set.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelmill.catalogues import engine_catalogue
from modelmill.regexes import regex

_number = regex(r"-[0-9.]")


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
            found = value if equals else " ".join(group[1:2])
    return found


def _groups(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Flags with their values, by name with `_` as `-`; words that belong to no flag have none. A
    flag takes one value, but for those that an engine lets take several."""
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word.startswith("-") and len(word) > 1 and not _number.match(word):
            groups.append((word.partition("=")[0].replace("_", "-"), [word]))
        elif groups and _takes(*groups[-1]):
            groups[-1][1].append(word)
        else:
            groups.append(("", [word]))
    return groups


def _takes(name: str, group: Sequence[str]) -> bool:
    """Whether a flag takes one more word."""
    if not name or "=" in group[0]:
        return False
    kinds = _kinds(name)
    if "words" in kinds:
        return True
    return len(group) == 1 and not (kinds and kinds <= {"switch", "flag"})


def _kinds(name: str) -> set[str]:
    """What the engines that know the flag say of its value."""
    found = (engine_catalogue(engine).find(name.lstrip("-")) for engine in ("vllm", "sglang"))
    return {flag.type for flag in found if flag is not None}
