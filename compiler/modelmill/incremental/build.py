"""A compile of generated/: what changed is compiled, by as many processes as asked, and written.

In: a root, and how. Out: what was found and what was done. Whatever is irregular, as are faults in
what all models share, is left to the plain way, which holds the whole repository in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelmill.cachefile import content
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.files import DiskFiles, Files
from modelmill.filetree import Changes
from modelmill.incremental.cache import Cache, cache_of, opened
from modelmill.incremental.late import LatePresets, preset_names, presets_known
from modelmill.incremental.noting import (
    Finished,
    Said,
    environments_of,
    models_of,
    note,
    units_of,
)
from modelmill.incremental.parts import Irregular, Task, work
from modelmill.incremental.shards import WHOLE, Shard, beside
from modelmill.incremental.still import still
from modelmill.incremental.together import together
from modelmill.output import (
    DIED,
    Answer,
    Ground,
    Order,
    Part,
    Survey,
    add,
    diagnose,
    ground,
    joined,
    sweep,
    write,
)
from modelmill.output import survey as surveyed
from modelmill.pins import enforced, strict
from modelmill.repository import Repository, index
from modelmill.scopes import Scope
from modelmill.sources import MAX_FILES, read_shared, read_sources
from modelmill.workers import Crew, chunks
from modelmill.workers import Part as Work

if TYPE_CHECKING:
    from modelmill.quick import Look, State


class Request(NamedTuple):
    """How to compile. `seen` is told how many of how many models are done; `shard` is a part of the
    models; `state` is what the last compile noted; `look` is another process's at generated/."""

    root: Path
    check: bool = False
    locked: bool = False
    jobs: int = 1
    seen: Callable[[int, int], None] | None = None
    shard: Shard = WHOLE
    state: State | None = None
    look: Look | None = None


class Written(NamedTuple):
    """What a compile did to generated/: how many files it added, changed and deleted, which had
    been edited, and which are others' and were left alone."""

    generated: str
    counts: tuple[int, int, int]
    edited: tuple[str, ...]
    foreign: tuple[str, ...]


class Outcome(NamedTuple):
    """What was found, and the texts to quote; how many units there are, and what was done (None:
    nothing was to be). `note` keeps what is then said of it, for as long as nothing changes."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    units: int = 0
    written: Written | None = None
    note: Callable[[Said], None] | None = None


def written(survey: Survey, changes: Changes) -> Written:
    added, changed, removed = map(len, changes)
    return Written(survey.generated, (added, changed, removed), survey.edited, survey.foreign)


def build(request: Request) -> Outcome:
    """Compile everything, under the lock of the root. Raises where generated/ cannot be written."""
    try:
        return _built(request)
    except Irregular:
        return _plainly(request)


def _plainly(request: Request) -> Outcome:
    texts: dict[str, str] = {}
    try:
        repository = _demanding(index(read_sources(request.root, texts)), request)
    except CompileError as fault:
        return Outcome(fault.diagnostics, texts)
    compilation = compile_repository(repository, None, request.jobs, request.seen)
    found = strict(compilation.diagnostics) if request.locked else compilation.diagnostics
    if has_errors(found):
        return Outcome(found, texts)
    generated = repository.catalog.project.paths.generated
    survey = surveyed(request.root, generated, compilation.units)
    count = len(compilation.units)
    if request.check:
        return Outcome((*found, *diagnose(survey)), texts, count)
    return Outcome(found, texts, count, written(survey, write(survey)))


def _demanding(repository: Repository, request: Request) -> Repository:
    if not request.locked:
        return repository
    catalog = repository.catalog
    return repository._replace(catalog=catalog._replace(lock=enforced(catalog.lock)))


def _built(request: Request) -> Outcome:
    files, shard = DiskFiles(request.root), request.shard
    with opened(request.root) as root:
        cache = cache_of(request.root, root, request.state)
        repository, everything = _read(request, files, cache)
        paths = shard.of(everything)
        generated = repository.catalog.project.paths.generated
        now, held = still(
            cache, repository, files, root, paths, request.look, locked=request.locked
        )
        todo = [path for path in paths if path not in held.heads]
        base = ground(request.root, generated)
        own = Part(base)
        task = Task(repository, now, files, cache)
        with Crew(_parts(task, own, todo, request)) as crew:
            answers = crew.first()
            results = [each for answer in answers for each in answer.results]
            texts = Texts(repository.texts, files, everything)
            made = together(cache, repository, texts, now, held, results, is_whole=shard == WHOLE)
            others: set[str] = set()
            if shard.is_first and shard != WHOLE:
                made, others = beside(repository, files, everything, paths, made)
            found = strict(made.diagnostics) if request.locked else made.diagnostics
            if has_errors(found):
                return Outcome(found, texts)
            # What models are known by is needed no more: at 10,000 of them it is 80 MB.
            results = [each._replace(sheet=None) for each in results]
            answers = [each._replace(results=()) for each in answers]
            done = Finished(cache, repository, now, held, results, made)
            for name, unit in (made.units or {}).items():
                add(own, name, unit)
            scope = None if shard.is_first else frozenset(models_of(done))
            sweep(own, {*models_of(done), *environments_of(done), *others}, scope)
            summaries = [each.summary for each in answers if each.summary is not None]
            survey, count = joined(own, summaries, scope), len(units_of(done))
            keep = partial(note, done, locked=request.locked) if _is_plain(survey, shard) else None
            if request.check:
                found = (*found, *diagnose(survey))
                return Outcome(found, texts, count, None, keep if survey.clean else None)
            return Outcome(found, texts, count, written(survey, _write(survey, crew)), keep)


def _is_plain(survey: Survey, shard: Shard) -> bool:
    """Whether the next compile has nothing to say of generated/ but that it is as it was."""
    return shard == WHOLE and not survey.foreign


def _read(request: Request, files: Files, cache: Cache) -> tuple[Repository, list[str]]:
    """The repository but for its models, and the paths of their files. Presets that read as they
    did are parsed when a model asks for them."""
    texts: dict[str, str] = {}
    try:
        known = presets_known(cache)
        scope = Scope(alone=True) if known else None
        sources, paths, apart = read_shared(request.root, texts, files, scope)
        if apart and {path: content(data) for path, data in apart.items()} != known:
            sources, paths, apart = read_shared(request.root, texts, files)
        texts.update({path: data.decode("utf-8", "replace") for path, data in apart.items()})
        repository = index(sources)
    except CompileError:
        raise Irregular from None
    catalog = repository.catalog
    if catalog.models or has_errors(repository.problems):
        raise Irregular
    if len(paths) + len(repository.texts) > MAX_FILES:
        raise Irregular
    if apart:
        catalog = catalog._replace(presets=LatePresets(preset_names(cache), apart))
        repository = repository._replace(catalog=catalog)
    return _demanding(repository, request), paths


def _parts(
    task: Task, own: Part, paths: Sequence[str], request: Request
) -> list[Callable[[], Work]]:
    runs = chunks(paths, request.jobs)

    def told(count: int) -> None:
        if request.seen is not None:
            request.seen(min(count * len(runs), len(paths)), len(paths))

    base = own.ground
    return [
        partial(work, task, own, runs[0], told, is_elsewhere=False),
        *(partial(_elsewhere, task, base, run) for run in runs[1:]),
    ]


def _elsewhere(task: Task, base: Ground, paths: Sequence[str]) -> Work:
    return work(task, Part(base), paths, None, is_elsewhere=True)


def _write(survey: Survey, crew: Crew) -> Changes:
    def others(order: Order) -> Callable[[], list[Answer]]:
        answers = crew.tell(order)
        return lambda: [DIED if each is None else each for each in answers()]

    return write(survey, others=others)


class Texts(Mapping[str, str]):
    """The texts of inputs, read when they are quoted."""

    def __init__(self, known: Mapping[str, str], files: Files, further: Sequence[str]) -> None:
        self._known, self._files, self._further = dict(known), files, frozenset(further)

    def __getitem__(self, path: str) -> str:
        if path not in self._known:
            if path not in self._further:
                raise KeyError(path)
            try:
                self._known[path] = self._files.read(path).decode("utf-8", "replace")
            except CompileError:
                raise KeyError(path) from None
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
