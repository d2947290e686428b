"""generated/ itself: whether it is there, and what an unfinished write was about.

In: the root and the folder's name. Out: a `Ground`, or the open folder. The one place that spells
what cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from modelmill.diagnostics import CompileError, Span, error
from modelmill.output.disk import DISK, FOLDER, Disk, Kind, read_file
from modelmill.output.ledger import JOURNAL, refuse_unclean
from modelmill.output.state import Ground


def ground(root: Path, generated: str, disk: Disk = DISK, ours: Collection[str] = ()) -> Ground:
    """What all processes must know before they look. `ours`: paths below generated/ that modelmill
    wrote, whatever they hold by now."""
    refuse_unclean(generated)
    journal, named = None, frozenset(ours)
    try:
        kind, top = open_generated(root, generated, disk)
        if top is not None:
            try:
                journal = disk.kind(JOURNAL, top)
                named |= _read_journal(disk, top) if journal == "file" else set()
            finally:
                disk.close(top)
    except OSError as reason:
        raise unreadable(generated, "", reason) from reason
    return Ground(root, generated, kind, journal, named)


def open_generated(root: Path, generated: str, disk: Disk) -> tuple[Kind | None, int | None]:
    """What stands in its place, and the open folder where it is one."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in generated.split("/"):
        parent = fd
        try:
            kind = disk.kind(name, parent)
            if kind != "folder":
                return kind, None
            fd = disk.open(name, FOLDER, parent)
        finally:
            disk.close(parent)
    return "folder", fd


def _read_journal(disk: Disk, top: int) -> set[str]:
    lines = os.fsdecode(read_file(disk, JOURNAL, top)[0]).split("\n")
    # An entry is whole only between its quotes: the last one may be torn.
    return {line[1:-1] for line in lines if line[:1] == '"' == line[1:][-1:]}


def unreadable(generated: str, path: str, reason: OSError) -> CompileError:
    place = f"{generated}/{path}" if path else generated
    message = f"cannot read {place}: {reason.strerror or 'input/output error'}"
    return CompileError([error("O609", message, Span(place, 1, 1))])
