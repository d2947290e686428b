"""The state of generated/ as one value: what was found, and what a write is to do about it.

In: nothing. Out: `Survey`, which `tree` fills, `findings` explains and `writing` performs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from modelmill.filetree import Changes


class Old(NamedTuple):
    """What a file holds before a write, to put back if the write fails."""

    data: bytes
    mode: int


class Survey(NamedTuple):
    """The state of generated/. Paths are below it, sorted; each path is in one class only."""

    root: Path
    generated: str
    """The folder's path below the root, with `/`."""

    unchanged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    """As we wrote it, and no longer what is wanted."""
    edited: tuple[str, ...] = ()
    """Neither what is wanted nor what we wrote."""
    orphaned: tuple[str, ...] = ()
    """Ours, and no longer wanted."""
    foreign: tuple[str, ...] = ()
    """Not ours, and not in the way."""
    blocked: tuple[str, ...] = ()
    """Not ours, where a wanted path must go."""
    linked: tuple[str, ...] = ()
    """A symbolic link where a wanted path must go."""

    unfinished: bool = False
    """An earlier write did not come to its end."""
    unfinished_elsewhere: bool = False
    """… and touched units outside the scope, so that this scope's write cannot end it."""

    hollow: tuple[str, ...] = ()
    """Directories in which nothing stays, each after those inside it."""
    old: Mapping[str, Old] = {}
    new: Mapping[str, bytes] = {}

    @property
    def clean(self) -> bool:
        """Whether the folder holds what is wanted, and nothing else of ours."""
        return not (self.unfinished or self.blocked or self.linked or self.changes)

    @property
    def changes(self) -> Changes:
        """What a write will do."""
        return Changes(self.missing, tuple(sorted(self.stale + self.edited)), self.orphaned)
