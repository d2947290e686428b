"""The file operations that writing generated/ is made of.

In: a directory descriptor and a name in it, never a long path. Out: plain results or the OSError of
the system. No operation follows a symbolic link, and none decides anything.

They travel as one value, so that a test can hand in a disk that fills up, or a process that dies,
at any chosen operation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG
from typing import Literal

from modelmill.tuples import NamedTuple

Kind = Literal["file", "folder", "link", "other"]

# O_NONBLOCK means nothing to a file; a pipe put in its place must not keep us waiting.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
REWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW

_CHUNK = 1 << 16


def _open(name: str, flags: int, folder: int) -> int:
    return os.open(name, flags, 0o666, dir_fd=folder)


def _unlink(name: str, folder: int) -> None:
    os.unlink(name, dir_fd=folder)


def _mkdir(name: str, folder: int) -> None:
    os.mkdir(name, dir_fd=folder)


def _rmdir(name: str, folder: int) -> None:
    os.rmdir(name, dir_fd=folder)


def _mode(fd: int) -> int:
    return S_IMODE(os.fstat(fd).st_mode)


def _entries(folder: int) -> dict[str, Kind]:
    with os.scandir(folder) as found:
        return {entry.name: _kind_of_entry(entry) for entry in found}


def _kind_of_entry(entry: os.DirEntry[str]) -> Kind:
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "link" if entry.is_symlink() else "other"


def _kind(name: str, folder: int) -> Kind | None:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if S_ISLNK(mode):
        return "link"
    return "folder" if S_ISDIR(mode) else "file" if S_ISREG(mode) else "other"


class Disk(NamedTuple):
    """Every operation `output` performs below the project's root. `folder` is an open directory."""

    open: Callable[[str, int, int], int] = _open
    read: Callable[[int, int], bytes] = os.read
    write: Callable[[int, bytes], int] = os.write
    truncate: Callable[[int, int], None] = os.ftruncate
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    unlink: Callable[[str, int], None] = _unlink
    mkdir: Callable[[str, int], None] = _mkdir
    rmdir: Callable[[str, int], None] = _rmdir
    mode: Callable[[int], int] = _mode
    chmod: Callable[[int, int], None] = os.fchmod
    entries: Callable[[int], dict[str, Kind]] = _entries
    kind: Callable[[str, int], Kind | None] = _kind


DISK = Disk()


def holds(disk: Disk, name: str, folder: int, data: bytes) -> bool:
    """Whether a file is just these bytes. One read: a byte more is asked for than is hoped for."""
    fd = disk.open(name, READ, folder)
    try:
        return disk.read(fd, len(data) + 1) == data
    finally:
        disk.close(fd)


def read_start(disk: Disk, name: str, folder: int) -> bytes:
    """How a file begins; a foreign one may be far too large to read."""
    fd = disk.open(name, READ, folder)
    try:
        return disk.read(fd, 1024)
    finally:
        disk.close(fd)


def read_file(disk: Disk, name: str, folder: int) -> tuple[bytes, int]:
    """A file's bytes and mode."""
    fd = disk.open(name, READ, folder)
    chunks = []
    try:
        while chunk := disk.read(fd, _CHUNK):
            chunks.append(chunk)
        return b"".join(chunks), disk.mode(fd)
    finally:
        disk.close(fd)


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write every byte; the system may take them in several goes."""
    while data:
        done = disk.write(fd, data)
        if done == len(data):
            return
        data = data[done:]
