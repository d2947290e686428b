"""The way in: finds a repository's files and reads them.

In: a folder, or the same folder in a commit. Out: texts by repository-relative path, parsed
documents, and every fault found on the way. Nothing is read but through `files`, which follows no
symbolic link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from modelmill.catalog import Document, read_document
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.files import DiskFiles, Files, is_link, refused
from modelmill.patch_files import with_patch_files
from modelmill.pins import LOCK, read_lock
from modelmill.spec.documents import Paths, ProjectDocument
from modelmill.syntax import parse

PROJECT = "modelmill.yaml"
MAX_FILES = 10_000
MAX_TOTAL = 256 << 20
MAX_FOLDERS = 16
ENDINGS = (".yaml", ".yml")
NEARLY = (*ENDINGS, ".json", ".yaml.txt", ".yml.txt")
"""Endings of what somebody took for an input; left unread, its output would be deleted."""
_name = re.compile(
    r"^metadata:[ \t\r]*+(?:\{\s*+|\n\s++)name:\s*+[\"']?([a-z0-9][-a-z0-9]*)", re.MULTILINE
).search


class Sources(NamedTuple):
    """What was read. `problems` are faults of single files; the other files are still usable.

    settings   modelmill.yaml
    lock       modelmill.lock, where there is one
    unread     kind and name of the documents in files that could not be used
    """

    root: Path
    settings: Document
    documents: tuple[Document, ...]
    texts: dict[str, str]
    problems: tuple[Diagnostic, ...]
    unread: frozenset[tuple[str, str]] = frozenset()
    lock: Document | None = None

    @property
    def project(self) -> ProjectDocument:
        record: ProjectDocument = self.settings.record
        return record


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


def read_sources(
    root: Path,
    texts: dict[str, str] | None = None,
    files: Files | None = None,
    known: Sources | None = None,
) -> Sources:
    """Read modelmill.yaml and every document below its folders, in order of path; from the disk
    unless `files` says where else.

    `texts` is filled on the way, so that a caller can quote from what was read when this raises.
    What reads as it did when `known` was read is not parsed again.
    """
    texts = {} if texts is None else texts
    files = files or DiskFiles(root)
    parsed = _parsed(known) if known is not None else {}
    settings = _read_project(files, texts)
    paths: Paths = settings.record.paths
    _check_paths(settings)
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    unread: set[tuple[str, str]] = set()
    size = 0
    for number, path in enumerate(_input_files(files, paths, problems), 1):
        try:
            document = read_one(files, path, texts, parsed)
            is_overlay = document.kind == "Overlay"
            documents.append(with_patch_files(files, document, texts) if is_overlay else document)
        except CompileError as fault:
            problems.extend(fault.diagnostics)
            unread.add(_name_of(paths, path, texts.get(path, "")))
        size += len(texts.get(path, ""))
        if number > MAX_FILES or size > MAX_TOTAL:
            raise CompileError([*problems, _too_much(path, number)])
    held = (tuple(documents), texts, tuple(problems), frozenset(unread))
    return Sources(root, settings, *held, _read_lock(files, texts))


def read_one(
    files: Files,
    path: str,
    texts: dict[str, str],
    parsed: Mapping[tuple[str, bytes], Document] = MappingProxyType({}),
) -> Document:
    """Read and check one file; `parsed` are documents by their path and what it held."""
    data = files.read(path)
    texts[path] = data.decode("utf-8", "replace")
    return parsed.get((path, data)) or read_document(path, parse(path, data))


def _parsed(known: Sources) -> dict[tuple[str, bytes], Document]:
    """Without overlays, whose patches may stand in other files."""
    models = (each for each in known.documents if each.kind != "Overlay")
    return {(each.path, known.texts[each.path].encode()): each for each in models}


def _too_much(path: str, number: int) -> Diagnostic:
    """At the file that no longer fits."""
    most = f"{MAX_FILES:,} input files" if number > MAX_FILES else f"{MAX_TOTAL >> 20} MiB of them"
    hint = "make several repositories of it, or move what is no input elsewhere"
    return error("Y109", f"there are more than {most}", Span(path, 1, 1), hint)


def _name_of(paths: Paths, path: str, text: str) -> tuple[str, str]:
    """What a faulty file would have held, as well as that can be told without parsing it."""
    folder, _, file = path.rpartition("/")
    named = _name(text)
    if path.startswith(f"{paths.overlays}/"):
        return "Overlay", named[1] if named else folder.rpartition("/")[2]
    kind = "Model" if path.startswith(f"{paths.models}/") else "Preset"
    return kind, named[1] if named else file.rpartition(".")[0]


def _read_project(files: Files, texts: dict[str, str]) -> Document:
    document = read_one(files, PROJECT, texts)
    if not isinstance(document.record, ProjectDocument):
        kind = document.node.nearest("kind")
        message = f"{PROJECT} must be of the kind Project, not {document.kind}"
        raise CompileError([error("N201", message, kind.span, "write `kind: Project`")])
    return document


def _read_lock(files: Files, texts: dict[str, str]) -> Document | None:
    """Without what it pins everything would come out differently: a fault in it ends the run."""
    if not files.exists(LOCK):
        return None
    data = files.read(LOCK)
    texts[LOCK] = data.decode("utf-8", "replace")
    return read_lock(parse(LOCK, data))


def _check_paths(settings: Document) -> None:
    """Folders must be inside the repository and apart: generated/ is pruned."""
    paths = settings.record.paths
    folders = {
        name: getattr(paths, name) for name in ("models", "presets", "overlays", "generated")
    }
    problems = []
    for name, folder in folders.items():
        span = settings.node.nearest("paths", name).span
        if folder.startswith("/") or {"", ".", "..", ".git"} & set(folder.split("/")):
            message = f"`{name}` must be a folder inside the repository, not `{folder}`"
            problems.append(error("N205", message, span, f"for example `{name}`"))
    for name, folder in folders.items():
        for other, beside in folders.items():
            if name < other and (
                f"{folder}/".startswith(f"{beside}/") or f"{beside}/".startswith(f"{folder}/")
            ):
                problems.append(_overlap(settings, (name, folder), (other, beside)))
    if problems:
        raise CompileError(problems)


def _overlap(settings: Document, one: tuple[str, str], other: tuple[str, str]) -> Diagnostic:
    """Reported at the folder that was written down, as the other may be a default."""
    written = settings.node.get("paths")
    (name, folder), (beside, taken) = one, other
    if written is not None and written.get(name) is None:
        (name, folder), (beside, taken) = (beside, taken), (name, folder)
    return error(
        "N205",
        f"`{name}: {folder}` and `{beside}: {taken}` overlap; each needs a folder of its own",
        settings.node.nearest("paths", name).span,
    )


def _input_files(files: Files, paths: Paths, problems: list[Diagnostic]) -> Iterable[str]:
    for folder in (paths.models, paths.presets):
        yield from sorted(_yaml_below(files, folder, problems))
    for name in _folders_in(files, paths.overlays, problems):
        path = f"{paths.overlays}/{name}/environment.yaml"
        if any(e.name == "environment.yaml" for e in files.entries(f"{paths.overlays}/{name}")):
            yield path
        else:
            problems.append(
                error(
                    "N207",
                    f"`{paths.overlays}/{name}` has no environment.yaml",
                    Span(path, 1, 1),
                    "every folder there is one environment: add the file, or move the folder away",
                )
            )


def _yaml_below(
    files: Files, folder: str, problems: list[Diagnostic], depth: int = 0
) -> Iterator[str]:
    """YAML files in folders; names that begin with a dot are passed over."""
    if depth > MAX_FOLDERS:
        problems.extend(refused(folder, f"folders nest deeper than {MAX_FOLDERS}").diagnostics)
        return
    for entry in files.entries(folder):
        path = f"{folder}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.kind == "link":
            problems.extend(is_link(path).diagnostics)
        elif entry.kind == "folder":
            yield from _yaml_below(files, path, problems, depth + 1)
        elif entry.name.endswith(ENDINGS):
            yield path
        elif entry.name.lower().endswith(NEARLY):
            problems.append(
                error(
                    "N209",
                    f"`{entry.name}` does not end in .yaml or .yml, so it would not be read",
                    Span(path, 1, 1),
                    "rename it, or move it out of this folder",
                )
            )


def _folders_in(files: Files, folder: str, problems: list[Diagnostic]) -> list[str]:
    found = []
    for entry in files.entries(folder):
        if entry.kind == "link":
            problems.extend(is_link(f"{folder}/{entry.name}", "folder").diagnostics)
        elif entry.kind == "folder" and not entry.name.startswith("."):
            found.append(entry.name)
    return sorted(found)
