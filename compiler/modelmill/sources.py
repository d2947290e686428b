"""The way in: finds a repository's files and reads them.

In: a folder. Out: texts by repository-relative path, parsed documents, and every fault found on the
way. The only module that reads input files. Follows no symbolic link and reads no file over its
limit, so that a pull request cannot make it read elsewhere or run out of memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from modelmill.catalog import Document, read_document
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.spec.documents import Paths, ProjectDocument
from modelmill.syntax import parse

PROJECT = "modelmill.yaml"
MAX_BYTES = 1 << 20
ENDINGS = (".yaml", ".yml")


class Sources(NamedTuple):
    """What was read. `problems` are faults of single files; the other files are still usable."""

    root: Path
    project: ProjectDocument
    documents: tuple[Document, ...]
    texts: dict[str, str]
    problems: tuple[Diagnostic, ...]


def find_root(start: Path) -> Path:
    """The folder at or above `start` that holds modelmill.yaml."""
    for folder in (start, *start.parents):
        if (folder / PROJECT).is_file():
            return folder
    raise CompileError(
        [
            error(
                "N204",
                f"there is no {PROJECT} here or in a folder above",
                hint="run `modelmill init` to start a repository, or name one with -C",
            )
        ]
    )


def read_sources(root: Path) -> Sources:
    """Read modelmill.yaml and every document below its folders, in order of path."""
    texts: dict[str, str] = {}
    project = _read_project(root, texts)
    _check_paths(project.paths)
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    for path in _input_files(root, project.paths, problems):
        try:
            documents.append(read_one(root, path, texts))
        except CompileError as fault:
            problems.extend(fault.diagnostics)
    return Sources(root, project, tuple(documents), texts, tuple(problems))


def read_one(root: Path, path: str, texts: dict[str, str]) -> Document:
    """Read and check one file."""
    data = read_bytes(root, path)
    texts[path] = data.decode("utf-8", "replace")
    return read_document(path, parse(path, data))


def read_bytes(root: Path, path: str) -> bytes:
    """A regular file's bytes; refuses links, devices and what is over the limit before reading."""
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as fault:
        is_link = (root / path).is_symlink()
        message = (
            "is a symbolic link, which is not followed"
            if is_link
            else f"cannot be read: {fault.strerror}"
        )
        raise CompileError([error("Y115", f"the file {message}", Span(path, 1, 1))]) from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CompileError([error("Y115", "this is not a regular file", Span(path, 1, 1))])
        if status.st_size > MAX_BYTES:
            raise CompileError(
                [
                    error(
                        "Y109",
                        f"the file is larger than {MAX_BYTES >> 20} MiB "
                        f"({status.st_size >> 20} MiB)",
                        Span(path, 1, 1),
                    )
                ]
            )
        return stream.read(MAX_BYTES + 1)


def _read_project(root: Path, texts: dict[str, str]) -> ProjectDocument:
    document = read_one(root, PROJECT, texts)
    if not isinstance(document.record, ProjectDocument):
        raise CompileError(
            [
                error(
                    "N201",
                    f"{PROJECT} must be a Project, not a {document.kind}",
                    Span(PROJECT, 1, 1),
                )
            ]
        )
    return document.record


def _check_paths(paths: Paths) -> None:
    """Folders must be inside the repository and apart: generated/ is pruned."""
    folders = {
        name: getattr(paths, name) for name in ("models", "presets", "overlays", "generated")
    }
    span = Span(PROJECT, 1, 1)
    problems = []
    for name, folder in folders.items():
        parts = folder.split("/")
        if (
            not folder
            or folder.startswith("/")
            or any(part in ("", ".", "..", ".git") for part in parts)
        ):
            problems.append(
                error(
                    "N205",
                    f"`paths.{name}` must be a folder inside the repository, not `{folder}`",
                    span,
                )
            )
    for name, folder in folders.items():
        for other, beside in folders.items():
            if name < other and (
                f"{folder}/".startswith(f"{beside}/") or f"{beside}/".startswith(f"{folder}/")
            ):
                problems.append(
                    error(
                        "N205",
                        f"`paths.{name}` and `paths.{other}` overlap: `{folder}` and `{beside}`",
                        span,
                    )
                )
    if problems:
        raise CompileError(problems)


def _input_files(root: Path, paths: Paths, problems: list[Diagnostic]) -> Iterable[str]:
    for folder in (paths.models, paths.presets):
        yield from sorted(_yaml_below(root, folder, problems))
    for name in _folders_in(root, paths.overlays, problems):
        path = f"{paths.overlays}/{name}/environment.yaml"
        if (root / path).exists() or (root / path).is_symlink():
            yield path
        else:
            problems.append(
                error(
                    "N207", f"`{paths.overlays}/{name}` has no environment.yaml", Span(path, 1, 1)
                )
            )


def _yaml_below(root: Path, folder: str, problems: list[Diagnostic]) -> Iterator[str]:
    """YAML files at any depth; names that begin with a dot are passed over."""
    for entry in _entries(root, folder):
        path = f"{folder}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            problems.append(
                error(
                    "Y115", "the file is a symbolic link, which is not followed", Span(path, 1, 1)
                )
            )
        elif entry.is_dir(follow_symlinks=False):
            yield from _yaml_below(root, path, problems)
        elif entry.name.endswith(ENDINGS):
            yield path


def _folders_in(root: Path, folder: str, problems: list[Diagnostic]) -> list[str]:
    found = []
    for entry in _entries(root, folder):
        if entry.is_symlink():
            problems.append(
                error(
                    "Y115",
                    "the folder is a symbolic link, which is not followed",
                    Span(f"{folder}/{entry.name}", 1, 1),
                )
            )
        elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            found.append(entry.name)
    return sorted(found)


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
