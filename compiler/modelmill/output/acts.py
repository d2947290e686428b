"""The single acts a write of generated/ is made of, each with the act that undoes it.

In: a part and a number in one of its lists. Out: that one file or directory changed,
and a note of how to undo it. Directories are entered one name at a time, never through a symbolic
link.

What an act is about to do is noted before it is done, as an interrupt may come in between; where
the system refuses, nothing was done and the note is taken back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress

from modelmill.output.disk import CREATE, FOLDER, REWRITE, write_all
from modelmill.output.state import Entered, Part

Act = Callable[[Part, int], None]
Make = Callable[[Part, str], None]


def create(part: Part, at: int) -> None:
    path, disk = part.found["missing"][at], part.disk
    part.at = path
    parent, _, name = path.rpartition("/")
    last = part.entered[-1]
    folder = last.folder if last.path == parent else enter(part, parent, _make_folder)
    part.undo.append((_erase, at))
    try:
        fd = disk.open(name, CREATE, folder)
    except OSError:
        part.undo.pop()
        raise
    try:
        write_all(disk, fd, part.new[at])
    finally:
        disk.close(fd)


def _erase(part: Part, at: int) -> None:
    parent, _, name = part.found["missing"][at].rpartition("/")
    try:
        part.disk.unlink(name, enter(part, parent))
    except FileNotFoundError:
        return


def rewrite(part: Part, at: int) -> None:
    fd = _reopen(part, at)
    part.undo.append((_restore, at))
    _refill(part, fd, part.renewed[at])


def _restore(part: Part, at: int) -> None:
    _refill(part, _reopen(part, at), part.replaced[at])


def _reopen(part: Part, at: int) -> int:
    part.at = part.changed[at]
    parent, _, name = part.at.rpartition("/")
    return part.disk.open(name, REWRITE, enter(part, parent))


def _refill(part: Part, fd: int, data: bytes) -> None:
    try:
        write_all(part.disk, fd, data)
        part.disk.truncate(fd, len(data))
    finally:
        part.disk.close(fd)


def remove(part: Part, at: int) -> None:
    part.at = part.found["orphaned"][at]
    parent, _, name = part.at.rpartition("/")
    folder = enter(part, parent)
    part.undo.append((_recreate, at))
    try:
        part.disk.unlink(name, folder)
    except OSError:
        part.undo.pop()
        raise


def _recreate(part: Part, at: int) -> None:
    parent, _, name = part.found["orphaned"][at].rpartition("/")
    try:
        fd = part.disk.open(name, CREATE, enter(part, parent))
    except FileExistsError:
        return
    try:
        write_all(part.disk, fd, part.removed[at])
        part.disk.chmod(fd, part.modes[at])
    finally:
        part.disk.close(fd)


def _make_folder(part: Part, path: str) -> None:
    part.undo.append((_unmake_folder, len(part.made)))
    part.made.append(path)
    try:
        part.disk.mkdir(path.rpartition("/")[2], part.entered[-1].folder)
    except OSError:
        part.undo.pop()
        raise


def _unmake_folder(part: Part, at: int) -> None:
    parent, _, name = part.made[at].rpartition("/")
    try:
        part.disk.rmdir(name, enter(part, parent))
    except FileNotFoundError:
        return


def remove_folder(part: Part, at: int) -> None:
    part.at = part.hollow[at]
    parent, _, name = part.at.rpartition("/")
    folder = enter(part, parent)
    part.undo.append((_remake_folder, at))
    try:
        part.disk.rmdir(name, folder)
    except OSError as reason:
        part.undo.pop()
        if reason.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # someone's file came in: it stays
            raise


def _remake_folder(part: Part, at: int) -> None:
    parent, _, name = part.hollow[at].rpartition("/")
    try:
        part.disk.mkdir(name, enter(part, parent))
    except FileExistsError:
        return


def enter_generated(part: Part) -> None:
    """Open generated/, and make it where it is absent. An empty one is no change to undo."""
    if part.entered:
        return
    start = part.ground
    fd = os.open(start.root, os.O_RDONLY | os.O_DIRECTORY)
    for name in start.generated.split("/"):
        parent = fd
        try:
            if part.disk.kind(name, parent) is None:
                part.disk.mkdir(name, parent)
            fd = part.disk.open(name, FOLDER, parent)
        finally:
            part.disk.close(parent)
    part.entered.append(Entered("", fd, is_new=False))


def enter(part: Part, path: str, make: Make | None = None) -> int:
    """The open directory at a path below generated/, kept open until a path outside it is asked."""
    entered = part.entered
    while (here := entered[-1].path) != path:
        if not here or path.startswith(f"{here}/"):
            name = path[len(here) :].lstrip("/").partition("/")[0]
            entered.append(_open_folder(part, name, f"{here}/{name}" if here else name, make))
        else:
            part.disk.close(entered.pop().folder)
    return entered[-1].folder


def _open_folder(part: Part, name: str, path: str, make: Make | None) -> Entered:
    _, above, is_new = part.entered[-1]
    if make is None or not is_new:  # in a directory just made there is nothing to be found
        try:
            return Entered(path, part.disk.open(name, FOLDER, above), is_new=False)
        except FileNotFoundError:
            if make is None:
                raise
    with suppress(FileExistsError):
        make(part, path)
    return Entered(path, part.disk.open(name, FOLDER, above), is_new=True)


def close_all(part: Part) -> None:
    while part.entered:
        try:
            part.disk.close(part.entered.pop().folder)
        except OSError:  # a directory open for reading has nothing left to lose
            continue
