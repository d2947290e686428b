"""The way a new input file gets into a repository.

In: a folder and texts by path. Out: which were written. Never: an existing input file replaced but
by `replace`, half a file left behind, or a link followed out of the folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from modelmill.diagnostics import CompileError, Span, error
from modelmill.tuples import NamedTuple

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

BESIDE = ".modelmill-new"
"""How the name of a file ends that will be another one as soon as all are there."""


class Created(NamedTuple):
    """Paths that were written, and paths that were there before."""

    written: tuple[str, ...]
    left: tuple[str, ...]


def create(root: Path, files: Mapping[str, str]) -> Created:
    """Write the files that do not exist yet."""
    left = tuple(path for path in files if os.path.lexists(root / path))
    written = tuple(path for path in files if path not in left)
    for path in written:
        _write(root, path, files[path], "x")
    return Created(written, left)


def update(root: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write files that are modelmill's own, such as schemas; the paths that changed."""
    changed = tuple(path for path, text in files.items() if not _holds(root / path, text))
    for path in changed:
        _write(root, path, files[path], "w")
    return changed


def replace(root: Path, files: Mapping[str, str | None], known: Mapping[str, str | None]) -> None:
    """Put texts in the place of files, in their order, or take files away (None): every text is on
    the disk before the first file is touched, and a failure puts back what there was. `known`: what
    the files were read as; one that somebody changed since is left, and so are all others."""
    for path in files:
        if _text_at(root, path) != known.get(path):
            raise CompileError([error("O609", f"{path} has changed meanwhile", Span(path, 1, 1))])
    beside: dict[str, str] = {}
    done: list[str] = []
    try:
        for path, text in files.items():
            if text is not None:
                beside[path] = _write_beside(root, path, text)
        for path in files:
            done.append(path)
            _settle(root, path, beside.get(path))
    except BaseException:
        for path in reversed(done):
            _restore(root, path, known.get(path))
        raise
    finally:
        for place in beside.values():
            (root / place).unlink(missing_ok=True)


def _write_beside(root: Path, path: str, text: str) -> str:
    """Write what will be a file under another name. What a run that was cut off left there, or
    somebody's link, is taken away and not followed."""
    place = f"{path}{BESIDE}"
    try:
        (root / place).unlink(missing_ok=True)
    except OSError as fault:
        raise _fault(place, fault.strerror or "input/output error") from fault
    _write(root, place, text, "x")
    if (root / path).exists():
        (root / place).chmod(stat.S_IMODE((root / path).stat().st_mode))
    return place


def _settle(root: Path, path: str, place: str | None) -> None:
    """Put the file that was written beside in the place of the one that is read; or only take that
    away."""
    try:
        if place is None:
            (root / path).unlink()
        else:
            (root / place).replace(root / path)
    except OSError as fault:
        raise _fault(path, fault.strerror or "input/output error") from fault


def _text_at(root: Path, path: str) -> str | None:
    """The text of a regular file; None where there is none."""
    target = root / path
    if target.is_symlink():
        raise _fault(path, "it is a symbolic link")
    if target.exists() and not target.stat().st_mode & _WRITABLE:
        raise _fault(path, "it is read-only")
    return target.read_bytes().decode("utf-8", "replace") if target.exists() else None


def _restore(root: Path, path: str, text: str | None) -> None:
    if text is None:
        (root / path).unlink(missing_ok=True)
    else:
        _write(root, path, text, "w")


def _holds(target: Path, text: str) -> bool:
    return target.is_file() and target.read_bytes() == text.encode()


def _write(root: Path, path: str, text: str, mode: str) -> None:
    target = root / path
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise _fault(path, "a link leads out of the repository")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, mode, encoding="utf-8", newline="\n") as stream:
            try:
                stream.write(text)
                stream.flush()
            except OSError:
                target.unlink()
                raise
    except OSError as fault:
        raise _fault(path, fault.strerror or "input/output error") from fault


def _fault(path: str, why: str) -> CompileError:
    return CompileError([error("O609", f"cannot write {path}: {why}", Span(path, 1, 1))])
