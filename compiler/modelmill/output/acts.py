"""The single acts a write of generated/ is made of, each with the act that undoes it.

In: the write under way and a path below generated/. Out: that one file or directory changed, and a
note of how to undo it. Directories are entered one name at a time, never through a symbolic link.

What an act is about to do is noted before it is done, as an interrupt may come in between; where
the system refuses, nothing was done and the note is taken back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from modelmill.output.disk import CREATE, FOLDER, REWRITE, Disk, write_all
from modelmill.output.state import Survey


class Work(NamedTuple):
    """A write under way."""

    survey: Survey
    disk: Disk
    names: list[str]
    """The names that lead from generated/ to the last directory entered."""
    folders: list[int]
    """generated/ and the directories of `names`, open."""
    undo: list[tuple[Act, str]]
    at: list[str]
    """The path being worked on, for the message."""


Act = Callable[[Work, str], None]


def create(work: Work, path: str) -> None:
    fd = open_new(work, path)
    try:
        write_all(work.disk, fd, work.survey.new[path])
    finally:
        work.disk.close(fd)


def open_new(work: Work, path: str) -> int:
    parent, _, name = path.rpartition("/")
    folder = enter(work, parent, _make_folder)
    work.undo.append((_erase, path))
    try:
        return work.disk.open(name, CREATE, folder)
    except OSError:
        work.undo.pop()
        raise


def _erase(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    try:
        work.disk.unlink(name, enter(work, parent))
    except FileNotFoundError:
        return


def rewrite(work: Work, path: str) -> None:
    fd = _reopen(work, path)
    work.undo.append((_restore, path))
    _refill(work, fd, work.survey.new[path])


def _restore(work: Work, path: str) -> None:
    _refill(work, _reopen(work, path), work.survey.old[path].data)


def _reopen(work: Work, path: str) -> int:
    parent, _, name = path.rpartition("/")
    return work.disk.open(name, REWRITE, enter(work, parent))


def _refill(work: Work, fd: int, data: bytes) -> None:
    try:
        write_all(work.disk, fd, data)
        work.disk.truncate(fd, len(data))
    finally:
        work.disk.close(fd)


def remove(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    folder = enter(work, parent)
    work.undo.append((_recreate, path))
    try:
        work.disk.unlink(name, folder)
    except OSError:
        work.undo.pop()
        raise


def _recreate(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    old = work.survey.old[path]
    try:
        fd = work.disk.open(name, CREATE, enter(work, parent))
    except FileExistsError:
        return
    try:
        write_all(work.disk, fd, old.data)
        work.disk.chmod(fd, old.mode)
    finally:
        work.disk.close(fd)


def _make_folder(work: Work, path: str) -> None:
    work.undo.append((_unmake_folder, path))
    try:
        work.disk.mkdir(path.rpartition("/")[2], work.folders[-1])
    except OSError:
        work.undo.pop()
        raise


def _unmake_folder(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    try:
        work.disk.rmdir(name, enter(work, parent))
    except FileNotFoundError:
        return


def remove_folder(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    folder = enter(work, parent)
    work.undo.append((_remake_folder, path))
    try:
        work.disk.rmdir(name, folder)
    except OSError as reason:
        work.undo.pop()
        if reason.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # someone's file came in: it stays
            raise


def _remake_folder(work: Work, path: str) -> None:
    parent, _, name = path.rpartition("/")
    try:
        work.disk.mkdir(name, enter(work, parent))
    except FileExistsError:
        return


def enter_generated(work: Work) -> None:
    """Open generated/, and make it where it is absent. An empty one is no change to undo."""
    if work.folders:
        return
    fd = os.open(work.survey.root, os.O_RDONLY | os.O_DIRECTORY)
    for name in work.survey.generated.split("/"):
        parent = fd
        try:
            if work.disk.kind(name, parent) is None:
                work.disk.mkdir(name, parent)
            fd = work.disk.open(name, FOLDER, parent)
        finally:
            work.disk.close(parent)
    work.folders.append(fd)


def enter(work: Work, path: str, make: Act | None = None) -> int:
    """The open directory at a path below generated/, kept open until a path outside it is asked."""
    names = path.split("/") if path else []
    if names == work.names:
        return work.folders[-1]
    shared = 0
    while shared < min(len(names), len(work.names)) and names[shared] == work.names[shared]:
        shared += 1
    while len(work.names) > shared:
        work.names.pop()
        work.disk.close(work.folders.pop())
    for depth in range(shared, len(names)):
        folder = _open_folder(work, names[depth], "/".join(names[: depth + 1]), make)
        work.folders.append(folder)
        work.names.append(names[depth])
    return work.folders[-1]


def _open_folder(work: Work, name: str, path: str, make: Act | None) -> int:
    try:
        return work.disk.open(name, FOLDER, work.folders[-1])
    except FileNotFoundError:
        if make is None:
            raise
    make(work, path)
    return work.disk.open(name, FOLDER, work.folders[-1])


def close_all(work: Work) -> None:
    while work.folders:
        try:
            work.disk.close(work.folders.pop())
        except OSError:  # a directory open for reading has nothing left to lose
            continue
