"""Waiting for an input to change.

In: a root and the folders that are read. Out: nothing, when a file there is no longer as it was and
nothing has changed for a moment: editors write a file in several steps, Git many files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from modelmill.diagnostics import CompileError
from modelmill.files import DiskFiles
from modelmill.pins import LOCK
from modelmill.sources import PROJECT, read_one
from modelmill.spec.documents import Paths, ProjectDocument

EVERY = 0.2
"""Seconds between two looks: short to a person, and one look at 10,000 files takes 0.05."""
QUIET = 0.1

Look = tuple[tuple[str, int, int, int], ...]


def folders_of(root: Path) -> Paths:
    """The folders that are read; the usual ones where modelmill.yaml cannot be."""
    try:
        record = read_one(DiskFiles(root), PROJECT, {}).record
    except CompileError:
        return Paths()
    return record.paths if isinstance(record, ProjectDocument) else Paths()


def look(root: Path, paths: Paths) -> Look:
    """Every input's path, date, size and inode."""
    tops = (paths.models, paths.presets, paths.overlays)
    return tuple(sorted([*_files(root), *(each for top in tops for each in _below(root / top))]))


def await_change(root: Path, paths: Paths, seen: Look) -> None:
    """Until what is there is not what was seen."""
    while look(root, paths) == seen:
        time.sleep(EVERY)
    while (now := look(root, paths)) != seen:
        seen = now
        time.sleep(QUIET)


def _files(root: Path) -> Iterator[tuple[str, int, int, int]]:
    for name in (PROJECT, LOCK):
        try:
            told = os.stat(root / name)
        except OSError:
            continue
        yield name, told.st_mtime_ns, told.st_size, told.st_ino


def _below(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError:
        return
    for entry in entries:
        try:
            told = entry.stat(follow_symlinks=False)
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:  # gone again
            continue
        if is_folder:
            yield from _below(Path(entry.path))
        else:
            yield entry.path, told.st_mtime_ns, told.st_size, told.st_ino
