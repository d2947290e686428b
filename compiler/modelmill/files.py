"""Where input files are read from: a folder on disk, or a commit (`git`).

In: paths relative to the repository. Out: names in a folder, and bytes of regular files. No link
is ever followed and nothing over the limit is read, so that a pull request cannot make the
compiler read elsewhere or run out of memory.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from modelmill.diagnostics import CompileError, Span, error

MAX_BYTES = 1 << 20

Kind = Literal["file", "folder", "link", "other"]


class Entry(NamedTuple):
    """A name in a folder, and what it is."""

    name: str
    kind: Kind


class Files(Protocol):
    """A tree of input files."""

    def entries(self, folder: str) -> list[Entry]:
        """What a folder holds, by name; nothing where there is no such folder."""
        ...

    def read(self, path: str) -> bytes:
        """A regular file's bytes; a CompileError for a link, a device, or one over the limit."""
        ...


class DiskFiles(NamedTuple):
    """Files below a folder on disk."""

    root: Path

    def entries(self, folder: str) -> list[Entry]:
        above = [*Path(folder).parents, Path(folder)]
        if any(os.path.islink(self.root / each) for each in above if each.name):
            raise is_link(folder, "folder")
        try:
            with os.scandir(self.root / folder) as listing:
                return sorted(Entry(each.name, _kind(each)) for each in listing)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as fault:
            raise refused(folder, f"the folder cannot be read: {fault.strerror}") from None

    def read(self, path: str) -> bytes:
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as fault:
            if (self.root / path).is_symlink():
                raise is_link(path) from None
            raise refused(path, f"the file cannot be read: {fault.strerror}") from None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise refused(path, "this is not a regular file")
            if status.st_size > MAX_BYTES:
                raise is_too_large(path, status.st_size)
            return stream.read(MAX_BYTES + 1)


def refused(path: str, message: str, hint: str = "") -> CompileError:
    return CompileError([error("Y115", message, Span(path, 1, 1), hint)])


def is_link(path: str, what: str = "file") -> CompileError:
    message = f"the {what} is a symbolic link, which is not followed"
    return refused(path, message, "put what it points to in its place")


def is_too_large(path: str, size: int) -> CompileError:
    message = f"the file is larger than {MAX_BYTES >> 20} MiB ({size >> 20} MiB)"
    hint = "input files are small; keep other files outside these folders"
    return CompileError([error("Y109", message, Span(path, 1, 1), hint)])


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
