"""Dates of files that tell whether they were changed, as Git's index has them.

In: an open folder, and paths below it. Out: five numbers a path, packed: when it and its entry were
last changed, in nanoseconds, its size, its inode and its mode. Imports next to nothing: it runs
before all else.
"""

from __future__ import annotations

import os
from struct import Struct

TYPE_CHECKING = False  # typing's own takes longer to import than the rest of the start-up
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STAMP = Struct("<qqQQQ")
WIDTH = _STAMP.size
"""Bytes of a stamp: a number as Python keeps it takes 32."""
TICK = 20_000_000
"""Nanoseconds within which two changes of a file may have one date: Linux stamps files by a clock
that ticks every 1 to 10 ms."""


def taken(folder: int, paths: Sequence[str]) -> bytes | None:
    """The stamps of files and folders, links not followed; None where one is not there."""
    found = []
    pack, stat = _STAMP.pack, os.stat
    try:
        for path in paths:
            now = stat(path, dir_fd=folder, follow_symlinks=False)
            dates = now.st_mtime_ns, now.st_ctime_ns
            found.append(pack(*dates, now.st_size, now.st_ino, now.st_mode))
    except OSError:
        return None
    return b"".join(found)


def unchanged(folder: int, paths: Sequence[str], recorded: bytes) -> bool:
    """Whether all stamps are as they were. Of 2.3 µs a path the system's answer takes 2.1."""
    if len(recorded) != len(paths) * WIDTH:
        return False
    stat = os.stat
    try:
        for path, (changed, entered, size, inode, mode) in zip(
            paths, _STAMP.iter_unpack(recorded), strict=True
        ):
            now = stat(path, dir_fd=folder, follow_symlinks=False)
            if (
                now.st_ctime_ns != entered
                or now.st_mtime_ns != changed
                or now.st_size != size
                or now.st_ino != inode
                or now.st_mode != mode
            ):
                return False
    except OSError:
        return False
    return True


def settled(recorded: bytes, taken_at: int) -> bool:
    """Whether stamps that were taken at a time, by the same clock, would tell any later change."""
    before = taken_at - TICK
    stamps = _STAMP.iter_unpack(recorded)
    return taken_at > 0 and all(max(changed, entered) < before for changed, entered, *_ in stamps)


def size_of(recorded: bytes) -> int:
    """Bytes of all the files together."""
    return sum(size for _, _, size, _, _ in _STAMP.iter_unpack(recorded))


def paths_of(files: Iterable[str]) -> list[str]:
    """Files and each folder that leads to them; "" for the folder that they are below."""
    folders = {""}
    listed = list(files)
    for path in listed:
        while "/" in path:
            path = path.rpartition("/")[0]
            folders.add(path)
    return [*sorted(folders), *listed]
