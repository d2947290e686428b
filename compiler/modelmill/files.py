"""Where input files are read from: a folder on disk, or a commit (`git`).

In: paths relative to the repository. Out: names in a folder, and bytes of regular files. No link
is ever followed and nothing over the limit is read, so that a pull request cannot make the
compiler read elsewhere or run out of memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
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

    def exists(self, path: str) -> bool:
        """Whether something is at a path, a link that leads nowhere included."""
        ...

    def entries(self, folder: str) -> list[Entry]:
        """What a folder holds, by name; nothing where there is no such folder."""
        ...

    def read(self, path: str) -> bytes:
        """A regular file's bytes; a CompileError for a link, a device, or one over the limit."""
        ...


class DiskFiles(NamedTuple):
    """Files below a folder on disk."""

    root: Path

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

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
        return read_regular(self.root, path)


class EditedFiles(NamedTuple):
    """A tree of input files some of which read otherwise, are new, or are gone (None)."""

    files: Files
    texts: Mapping[str, str | None]

    def exists(self, path: str) -> bool:
        return self.texts[path] is not None if path in self.texts else self.files.exists(path)

    def entries(self, folder: str) -> list[Entry]:
        found = {each.name: each for each in self.files.entries(folder)}
        for path, text in self.texts.items():
            name, slash, _ = path.removeprefix(f"{folder}/").partition("/")
            if not path.startswith(f"{folder}/"):
                continue
            if text is not None:
                found.setdefault(name, Entry(name, "folder" if slash else "file"))
            elif not slash:
                found.pop(name, None)
        return sorted(found.values())

    def read(self, path: str) -> bytes:
        text = self.texts.get(path)
        return self.files.read(path) if text is None else text.encode()


def read_regular(
    root: Path, path: str, most: int = MAX_BYTES, *, follow_links: bool = False
) -> bytes:
    """A regular file's bytes, if there are at most `most`. Links are followed only where a person,
    and no file, names the path."""
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(root / path, flags)
    except OSError as fault:
        if not follow_links and (root / path).is_symlink():
            raise is_link(path) from None
        raise refused(path, f"the file cannot be read: {fault.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refused(path, "this is not a regular file")
        if status.st_size > most:
            raise is_too_large(path, status.st_size, most)
        return stream.read(most + 1)


def refused(path: str, message: str, hint: str = "") -> CompileError:
    return CompileError([error("Y115", message, Span(path, 1, 1), hint)])


def is_link(path: str, what: str = "file") -> CompileError:
    message = f"the {what} is a symbolic link, which is not followed"
    return refused(path, message, "put what it points to in its place")


def is_too_large(path: str, size: int, most: int = MAX_BYTES) -> CompileError:
    message = f"the file is larger than {most >> 20} MiB ({size >> 20} MiB)"
    hint = "input files are small; keep other files outside these folders"
    return CompileError([error("Y109", message, Span(path, 1, 1), hint)])


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
