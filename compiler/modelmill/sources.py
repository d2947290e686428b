"""The way in: finds a repository's files and reads them.

In: a folder, or the same folder in a commit. Out: texts by repository-relative path, parsed
documents, and every fault found on the way. Nothing is read but through `files`, which follows no
symbolic link.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelmill.catalog import Document, read_document
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.files import DiskFiles, Files, contents
from modelmill.listing import check_folders, model_files, other_files
from modelmill.patch_files import with_patch_files
from modelmill.pins import LOCK, read_lock
from modelmill.record import EMPTY
from modelmill.regexes import regex
from modelmill.scopes import Scope, holding, parse_extended, spoken_of
from modelmill.spec.documents import Paths, ProjectDocument
from modelmill.syntax import parse
from modelmill.tuples import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "modelmill.yaml"
MAX_FILES = 50_000
MAX_TOTAL = 256 << 20
_name = regex(
    r"^metadata:[ \t\r]*+(?:\{\s*+|\n\s++)name:\s*+[\"']?([a-z0-9][-a-z0-9]*)", re.MULTILINE
)


class Sources(NamedTuple):
    """What was read. `problems` are faults of single files; the other files are still usable.

    folder     the repository's
    settings   modelmill.yaml
    lock       modelmill.lock, where there is one
    unread     kind and name of the documents in files that could not be used
    passed     model files that were not parsed, as they hold no model that was asked for
    """

    folder: str
    settings: Document
    documents: tuple[Document, ...]
    texts: dict[str, str]
    problems: tuple[Diagnostic, ...]
    unread: frozenset[tuple[str, str]] = frozenset()
    lock: Document | None = None
    passed: Mapping[str, bytes] = EMPTY

    @property
    def root(self) -> Path:
        from pathlib import Path

        return Path(self.folder)

    @property
    def project(self) -> ProjectDocument:
        record: ProjectDocument = self.settings.record
        return record

    @property
    def models(self) -> frozenset[str]:
        """Names of the models that were read."""
        return _models_in(self.documents)


def find_root(start: Path) -> Path:
    """The folder at or above `start` that holds modelmill.yaml."""
    return type(start)(root_above(str(start)))


def root_above(start: str) -> str:
    """The same without `pathlib`, which takes 5 ms to import."""
    folder = start
    while True:
        if os.path.isfile(os.path.join(folder, PROJECT)):
            return folder
        above = os.path.dirname(folder)
        if above == folder or not above:
            break
        folder = above
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
    root: Path | str,
    texts: dict[str, str] | None = None,
    files: Files | None = None,
    known: Sources | None = None,
    only: Scope | None = None,
) -> Sources:
    """Read modelmill.yaml and every document below its folders; from the disk unless `files` says
    where else. Of `only` some models: without the model files that can hold none of them.

    `texts` is filled on the way, so that a caller can quote from what was read when this raises.
    What reads as it did when `known` was read is not parsed again.
    """
    texts = {} if texts is None else texts
    files = files or DiskFiles(root)
    parsed = _parsed(known) if known is not None else {}
    settings, reading, models, presets = _begun(files, texts, parsed, only)
    passed: Mapping[str, bytes] = {}
    if only is None or not only.paths.issubset(models):
        for path, data in presets.items():
            reading.parse(path, data)
        for path, data in reading.contents(models):
            reading.parse(path, data)
    else:
        passed = _parse_some(reading, models, only, spoken_of([settings, *reading.documents]))
        parse_extended(reading.documents, presets, reading.parse)
    return reading.ended(root, settings, passed)


def read_shared(
    root: Path | str, texts: dict[str, str], files: Files, only: Scope | None = None
) -> tuple[Sources, list[str], dict[str, bytes]]:
    """All but the model files, the paths of these, and presets that were not parsed, as `only`
    does without."""
    settings, reading, models, presets = _begun(files, texts, {}, only)
    return reading.ended(root, settings, {}), models, presets


def _begun(
    files: Files,
    texts: dict[str, str],
    parsed: Mapping[tuple[str, bytes], Document],
    only: Scope | None,
) -> tuple[Document, _Reading, list[str], dict[str, bytes]]:
    """The settings, with all but the model files read, and the paths of these; and presets that
    are not parsed yet."""
    settings = _read_project(files, texts)
    paths: Paths = settings.record.paths
    check_folders(settings)
    reading = _Reading(files, paths, texts, parsed)
    models = model_files(files, paths, reading.problems)
    others = other_files(files, paths, reading.problems)
    if len(models) + len(others) > MAX_FILES:
        far = [*others, *models][MAX_FILES]
        raise CompileError([*reading.problems, _too_much(far, f"{MAX_FILES:,} input files")])
    presets: dict[str, bytes] = {}
    for path, data in reading.contents(others):
        if only is not None and only.alone and path.startswith(f"{paths.presets}/"):
            presets[path] = data
        else:
            reading.parse(path, data)
    return settings, reading, models, presets


class _Reading:
    """What was read so far, and what was found wrong on the way."""

    def __init__(
        self,
        files: Files,
        paths: Paths,
        texts: dict[str, str],
        parsed: Mapping[tuple[str, bytes], Document],
    ) -> None:
        self.documents: list[Document] = []
        self.problems: list[Diagnostic] = []
        self.unread: set[tuple[str, str]] = set()
        self._files, self._paths, self._texts, self._parsed = files, paths, texts, parsed
        self._size = 0

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """What files hold that can be read, up to a limit for all together."""
        for path, data in contents(self._files, paths):
            if isinstance(data, CompileError):
                self._fails(path, data)
                continue
            self._size += len(data)
            if self._size > MAX_TOTAL:
                most = f"{MAX_TOTAL >> 20} MiB of them"
                raise CompileError([*self.problems, _too_much(path, most)])
            yield path, data

    def parse(self, path: str, data: bytes) -> Document | None:
        """Take in a document; None where that cannot be used."""
        try:
            document = _document(path, data, self._texts, self._parsed)
            if document.kind == "Overlay":
                document = with_patch_files(self._files, document, self._texts)
        except CompileError as fault:
            self._fails(path, fault)
            return None
        self.documents.append(document)
        return document

    def ended(self, root: Path | str, settings: Document, passed: Mapping[str, bytes]) -> Sources:
        """All of it, with the lock."""
        found = tuple(self.documents), self._texts, tuple(self.problems), frozenset(self.unread)
        return Sources(str(root), settings, *found, _read_lock(self._files, self._texts), passed)

    def _fails(self, path: str, fault: CompileError) -> None:
        self.problems.extend(fault.diagnostics)
        self.unread.add(named_by(self._paths, path, self._texts.get(path, "")))


def _parse_some(
    reading: _Reading, models: Sequence[str], only: Scope, spoken: Scope
) -> Mapping[str, bytes]:
    """Parse the model files that a scope needs; the others, by path. `spoken`: models and files of
    which something is said elsewhere, which would be wrong of what was not read."""
    passed = dict(reading.contents(models))
    named = [path for path in passed if path in only.paths or path in spoken.paths]
    found = [reading.parse(path, passed.pop(path)) for path in named]
    own = {each.name for each in found if each is not None}
    for path in holding(passed, {*only.names, *spoken.names, *own}):
        reading.parse(path, passed.pop(path))
    are_models = all(each is None or each.kind == "Model" for each in found)
    # A preset reaches any model, and who is missed may have a likely name.
    if not are_models or not spoken.names <= _models_in(reading.documents):
        for path in list(passed):
            reading.parse(path, passed.pop(path))
    return passed


def _models_in(documents: Iterable[Document]) -> frozenset[str]:
    return frozenset(each.name for each in documents if each.kind == "Model")


def read_one(files: Files, path: str, texts: dict[str, str]) -> Document:
    """Read and check one file."""
    return _document(path, files.read(path), texts)


def _document(
    path: str,
    data: bytes,
    texts: dict[str, str],
    parsed: Mapping[tuple[str, bytes], Document] = MappingProxyType({}),
) -> Document:
    """`parsed`: documents by their path and what it held."""
    texts[path] = data.decode("utf-8", "replace")
    return parsed.get((path, data)) or read_document(path, parse(path, data))


def _parsed(known: Sources) -> dict[tuple[str, bytes], Document]:
    """Without overlays, whose patches may stand in other files."""
    models = (each for each in known.documents if each.kind != "Overlay")
    return {(each.path, known.texts[each.path].encode()): each for each in models}


def _too_much(path: str, most: str) -> Diagnostic:
    """At the file that no longer fits."""
    hint = "make several repositories of it, or move what is no input elsewhere"
    return error("Y109", f"there are more than {most}", Span(path, 1, 1), hint)


def named_by(paths: Paths, path: str, text: str) -> tuple[str, str]:
    """What a faulty file would have held, as well as that can be told without parsing it."""
    folder, _, file = path.rpartition("/")
    named = _name.search(text)
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
