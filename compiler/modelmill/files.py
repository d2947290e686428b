"""Where input files are read from: a folder on disk, or a commit (`git`).

In: paths relative to the repository. Out: names in a folder, and bytes of regular files. No link
is ever followed and nothing over the limit is read, so that a pull request cannot make the
compiler read elsewhere or run out of memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from modelmill.diagnostics import CompileError, Span, error
from modelmill.tuples import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
SMALL = 1 << 14
_FLAGS = os.O_RDONLY | os.O_NONBLOCK

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

    root: Path | str

    def exists(self, path: str) -> bool:
        return os.path.lexists(f"{self.root}/{path}")

    def entries(self, folder: str) -> list[Entry]:
        whole = str(self.root)
        for name in folder.split("/"):
            whole += f"/{name}"
            if os.path.islink(whole):
                raise is_link(folder, "folder")
        try:
            with os.scandir(whole) as listing:
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


def contents(files: Files, paths: Iterable[str]) -> Iterator[tuple[str, bytes | CompileError]]:
    """What many files hold that were just listed, or why one cannot be read."""
    read = _Small(files.root) if type(files) is DiskFiles else None
    try:
        for path in paths:
            data = read(path) if read is not None else b""
            try:
                yield path, data or files.read(path)
            except CompileError as fault:
                yield path, fault
    finally:
        if read is not None:
            read.close()


class _Small:
    """Reads small files, one folder after the other, in 4.5 µs each where `read` takes 6.5."""

    def __init__(self, root: Path | str) -> None:
        self._root = root
        self._above: str | None = None
        self._folder = -1

    def __call__(self, path: str) -> bytes:
        """What a file holds; nothing where `read` has to look closer, be it to say what is wrong.
        In the listing it was a file. What took its place since is not followed if it is a link, is
        empty if it is a pipe, and has no end if it is a device: all those are for `read`."""
        above, _, name = path.rpartition("/")
        try:
            if above != self._above:
                self._enter(above)
            descriptor = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=self._folder)
            try:
                data = os.read(descriptor, SMALL)
            finally:
                os.close(descriptor)
        except OSError:
            return b""
        return data if len(data) < SMALL else b""

    def _enter(self, folder: str) -> None:
        self.close()
        self._folder = os.open(f"{self._root}/{folder}", _FLAGS | os.O_NOFOLLOW | os.O_DIRECTORY)
        self._above = folder

    def close(self) -> None:
        if self._above is not None:
            os.close(self._folder)
            self._above = None


def read_regular(
    root: Path | str, path: str, most: int = MAX_BYTES, *, follow_links: bool = False
) -> bytes:
    """A regular file's bytes, if there are at most `most`. Links are followed only where a person,
    and no file, names the path."""
    # No Path and no stream: 6 µs a file instead of 31, and there may be 50,000.
    whole = path if path.startswith("/") else f"{root}/{path}"
    try:
        descriptor = os.open(whole, _FLAGS if follow_links else _FLAGS | os.O_NOFOLLOW)
    except OSError as fault:
        if not follow_links and os.path.islink(whole):
            raise is_link(path) from None
        raise refused(path, f"the file cannot be read: {fault.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refused(path, "this is not a regular file")
        if status.st_size > most:
            raise is_too_large(path, status.st_size, most)
        data = os.read(descriptor, status.st_size + 1)
        # It grew, or tells no size, as below /proc.
        while (
            len(data) != status.st_size
            and len(data) <= most
            and (more := os.read(descriptor, most + 1 - len(data)))
        ):
            data += more
        return data
    finally:
        os.close(descriptor)


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
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir(follow_symlinks=False) else "other"
