"""The compiler's result: generated files by path, and what differs between two such trees.

Pure values; nothing here touches a disk.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.tuples import NamedTuple

FileTree = Mapping[str, str]
"""Path below generated/ (POSIX separators) to the file's text (ends in a newline)."""


ENVIRONMENTS = "_environments"
"""The folder of environments' own units."""


class Unit(NamedTuple):
    """The files one model, or one environment (`_environments/<env>`), owns below generated/."""

    files: Mapping[str, str]
    """Path below the unit to the file's text."""
    digest: str
    """sha256, in hexadecimal, of the inputs the files were made from."""
    sources: tuple[str, ...]
    """The input files that took part."""


class Changes(NamedTuple):
    """What turns one tree into another; each tuple is sorted by path."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def compare(wanted: FileTree, present: FileTree) -> Changes:
    """What must happen to `present` so that it equals `wanted`."""
    return Changes(
        added=tuple(sorted(wanted.keys() - present.keys())),
        changed=tuple(sorted(p for p in wanted.keys() & present.keys() if wanted[p] != present[p])),
        removed=tuple(sorted(present.keys() - wanted.keys())),
    )
