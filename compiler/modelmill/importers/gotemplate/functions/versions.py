"""Semantic versions: https://masterminds.github.io/sprig/semver.html and, for constraints,
https://github.com/Masterminds/semver#checking-version-constraints.

In: a version, a constraint. Out: the version's parts, whether it fits. Never: ranges with a blank
and a hyphen (`1.2 - 1.4`) whose ends are not whole versions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.signatures import Function, function
from modelmill.importers.gotemplate.values import Structure
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_version = regex(
    rf"v?([0-9]{{1,18}})(?:\.([0-9]{{1,18}}))?(?:\.([0-9]{{1,18}}))?"
    rf"(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?"
)
_part = r"(?:[0-9]{1,18}|[xX*])"
_CONSTRAINT = (
    r"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*+"
    rf"v?({_part})(?:\.({_part}))?(?:\.({_part}))?(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
_constraints = regex(rf"\s*+{_CONSTRAINT}(?:\s*+,\s*+|\s++|\Z)|\s*+\Z")
_between = regex(r"(?<!\S)(\S++)\s++-\s++(\S++)")


class _Version(NamedTuple):
    numbers: tuple[int, int, int]
    prerelease: str
    metadata: str = ""


class _Constraint(NamedTuple):
    operator: str
    least: _Version
    given: int
    """How many of the three numbers are given, and not `x`."""


def _read(text: str) -> _Version:
    matched = _version.fullmatch(text)
    if matched is None:
        raise Fault(f"`{text[:40]}` is not a semantic version")
    major, minor, patch, prerelease, metadata = matched.groups()
    return _Version(
        (int(major), int(minor or 0), int(patch or 0)), prerelease or "", metadata or ""
    )


def _key(version: _Version) -> tuple[Any, ...]:
    """https://semver.org/#spec-item-11: a release is above its prereleases."""
    identifiers = tuple(
        (0, int(each), "") if each.isdigit() else (1, 0, each)
        for each in version.prerelease.split(".")
        if each
    )
    return version.numbers, not version.prerelease, identifiers


def _parts(text: str) -> Structure:
    version = _read(text)
    major, minor, patch = version.numbers
    whole = f"{major}.{minor}.{patch}"
    whole += f"-{version.prerelease}" if version.prerelease else ""
    whole += f"+{version.metadata}" if version.metadata else ""
    result = Structure(
        Major=major,
        Minor=minor,
        Patch=patch,
        Prerelease=version.prerelease,
        Metadata=version.metadata,
        Original=text,
        String=whole,
    )
    result.text, result.type = whole, "*semver.Version"
    return result


def _fits(constraint: str, text: str) -> bool:
    """Alternatives parted by `||`, of which each is constraints that must all hold."""
    alternatives = [_conditions(each) for each in constraint.split("||")]
    version = _read(text)
    return any(all(_holds(each, version) for each in every) for every in alternatives)


def _conditions(text: str) -> list[_Constraint]:
    text = _between.sub(r">=\1, <=\2", text)
    found: list[_Constraint] = []
    position = 0
    while position < len(text):
        matched = _constraints.match(text, position)
        if matched is None:
            break
        position = matched.end()
        if matched[2] is not None:
            found.append(_constraint(matched))
    if position < len(text) or not found:
        raise Fault(f"`{text[:40]}` is not a constraint of versions")
    return found


def _constraint(matched: re.Match[str]) -> _Constraint:
    operator, *written, prerelease = matched.groups()
    numbers = [each for each in written if each is not None]
    given = next((i for i, each in enumerate(numbers) if each in "xX*"), len(numbers))
    known = [int(each) for each in numbers[:given]] + [0] * (3 - given)
    least = _Version((known[0], known[1], known[2]), prerelease or "")
    if given == 0 and operator not in (None, "=", "~", "~>"):
        # `> *` is `> 0.0.0`, and so on; only `<= *` leaves the last number open.
        given = 2 if operator in ("<=", "=<") else 3
    return _Constraint(operator or "", least, given)


def _holds(constraint: _Constraint, version: _Version) -> bool:
    operator, least, given = constraint
    same = version.numbers[:given] == least.numbers[:given]
    if operator == "!=" and given == 3:
        return _key(version) != _key(least)
    # A prerelease fits only what names one.
    if version.prerelease and not least.prerelease:
        return False
    if operator == "!=":
        return not same
    below = _key(version) < _key(least)
    if operator in (">=", "=>"):
        return not below
    if operator == "<":
        return below
    if operator == ">":
        return (
            version.numbers[:given] > least.numbers[:given]
            if given < 3
            else _is_above(version, least)
        )
    if operator in ("<=", "=<"):
        return below or (same if given < 3 else not _is_above(version, least))
    if operator == "^":
        return not below and _is_compatible(least, given, version)
    if operator in ("~", "~>"):
        return not below and version.numbers[: min(given, 2)] == least.numbers[: min(given, 2)]
    return not below and same if given < 3 else _key(version) == _key(least)


def _is_above(version: _Version, other: _Version) -> bool:
    return _key(version) > _key(other)


def _is_compatible(least: _Version, given: int, version: _Version) -> bool:
    """The first number that is not 0 stays."""
    first = next((i for i, each in enumerate(least.numbers) if each), given - 1)
    kept = min(first, given - 1) + 1
    return version.numbers[:kept] == least.numbers[:kept]


FUNCTIONS: Mapping[str, Function] = {
    "semver": function("string", _parts),
    "semverCompare": function("string string", _fits),
}
