"""What one specification must say over another, so that KServe's merge makes a third of them.

In: specifications as plain data. Out: the least that must be said. KServe's merge takes nothing
away and lets nothing empty win, so that not every difference can be said.
"""

from __future__ import annotations

from typing import Any

from modelmill.containers import Manifest
from modelmill.kserve.merging import KEYS, merge

Path = tuple[str | int, ...]

# Said whole or not at all, of lists each entry: half of one is refused, or has another meaning.
WHOLE = frozenset(
    {
        "parallelism", "scaling", "kvCacheOffloading", "httpGet", "exec", "tcpSocket", "grpc",
        "seccompProfile", "env", "ports", "volumes", "volumeMounts", "hostAliases",
        "resourceClaims", "topologySpreadConstraints",
    }
)  # fmt: skip
# Lists that KServe merges by a key and in which order has a meaning.
ORDERED = frozenset({"initContainers"})
EMPTY: tuple[Any, ...] = ("", 0, False, [], {}, None)


class Impossible(ValueError):
    """What no merge makes: the path of a value that would have to go."""

    def __init__(self, path: Path) -> None:
        super().__init__(".".join(map(str, path)))
        self.path = path


def difference(base: Any, wanted: Any, *, is_strict: bool = True) -> Manifest:
    """What must be said over `base` for `wanted`. Raises Impossible, or leaves out what cannot be
    said where that is not strict."""
    found: Manifest = _mapping(base, wanted, (), is_strict)
    if is_strict and not is_same(merge(base, found), wanted):
        raise Impossible(_differing(merge(base, found), wanted, ()))
    return found


def _mapping(base: Manifest, wanted: Manifest, path: Path, is_strict: bool) -> Manifest:
    if is_strict:
        for key in base:
            if key not in wanted:
                raise Impossible((*path, key))
    found = {}
    for key, value in wanted.items():
        if key not in base:
            found[key] = value
        elif base[key] != value:
            said = _said(base[key], value, key, (*path, key), is_strict)
            if said is not None:
                found[key] = said
    return found


def _said(base: Any, wanted: Any, field: str, path: Path, is_strict: bool) -> Any:
    """What to say of one field; None for nothing."""
    if isinstance(base, dict) and isinstance(wanted, dict):
        inner = _mapping(base, wanted, path, is_strict)
        return (wanted if field in WHOLE else inner) if inner else None
    if isinstance(base, list) and isinstance(wanted, list) and field in KEYS:
        return _entries(base, wanted, field, path, is_strict) or None
    if wanted in EMPTY and field != "replicas":
        if is_strict:
            raise Impossible(path)
        return None
    return wanted


def _entries(
    base: list[Any], wanted: list[Any], field: str, path: Path, is_strict: bool
) -> list[Any]:
    """Entries of a list that is merged by a key."""
    key, known = KEYS[field], {each.get(KEYS[field]): each for each in base}
    names = [each.get(key) for each in wanted]
    gone = next((name for name in known if name not in names), None)
    if gone is not None and is_strict:
        raise Impossible((*path, str(gone)))
    found = []
    for each in wanted:
        under = known.get(each.get(key))
        if under is None:
            found.append(each)
        elif under != each:
            said = _mapping(under, each, (*path, str(each.get(key))), is_strict)
            if said:
                found.append(each if field in WHOLE else {key: each[key], **said})
    return found


def is_same(one: Any, other: Any, field: str = "") -> bool:
    """Whether two specifications mean the same: KServe may order entries of keyed lists anew, which
    only counts for init containers, and for variables that refer to others."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k], k) for k in one)
    if isinstance(one, list) and isinstance(other, list) and _is_free(field, one):
        key = KEYS[field]
        mine, theirs = ({str(each.get(key)): each for each in part} for part in (one, other))
        return len(one) == len(other) and is_same(mine, theirs)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(is_same(a, b) for a, b in pairs)
    return bool(one == other) and type(one) is type(other)


def _is_free(field: str, entries: list[Any]) -> bool:
    """Whether the order of a list's entries has no meaning."""
    if field not in KEYS or field in ORDERED:
        return False
    return field != "env" or not any("$(" in str(each.get("value", "")) for each in entries)


def _differing(one: Any, other: Any, path: Path) -> Path:
    """Where two specifications are not the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*one, *other):
            if not is_same(one.get(key), other.get(key), key):
                return _differing(one.get(key), other.get(key), (*path, key))
    return path
