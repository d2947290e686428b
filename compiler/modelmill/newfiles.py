"""The way a new input file gets into a repository.

In: a folder and texts by path. Out: which were written. Never: an existing input file replaced,
half a file left behind, or a link followed out of the folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from modelmill.diagnostics import CompileError, Span, error


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
