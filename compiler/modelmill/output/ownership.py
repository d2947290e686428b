"""Whose a file below generated/ is: by its unit's ledger, or by how it begins.

In: a file's path, what it holds, and its unit's ledger. Out: whether modelmill wrote it, and as it
is. Pure: the files may be on a disk or in a commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.output.ledger import MARKER, fingerprint, is_ledger, resembles_ledger
from modelmill.tuples import NamedTuple


class Holder(NamedTuple):
    """The unit that a file belongs to, and what its ledger records (None: no ledger)."""

    path: str
    recorded: Mapping[str, str] | None

    def mark(self, path: str) -> str | None:
        return self.recorded.get(path[len(self.path) + 1 :]) if self.recorded else None


def at_wanted_path(holder: Holder, path: str, data: bytes) -> Literal["stale", "edited", "blocked"]:
    """A file at a path that is wanted with another content."""
    if not data:  # nobody's work: a write torn apart
        return "stale"
    if is_ledger(path):
        return "edited" if holder.recorded is None else "stale"
    mark = holder.mark(path)
    if mark is not None:
        return "stale" if mark == fingerprint(data) else "edited"
    return "stale" if data.startswith(MARKER) else "blocked"


def begins_as_ours(holder: Holder, path: str, start: bytes) -> bool:
    """Whether a file that no ledger records shows by its beginning that we wrote it."""
    if is_ledger(path):
        return holder.recorded is not None or resembles_ledger(start)
    return start.startswith(MARKER)
