"""What `modelmill lint` does; without click, as hooks run it for every commit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from modelmill import console
from modelmill.catalog import Catalog, Document
from modelmill.commands.shared import enforcing, misuse, read
from modelmill.compilation import compile_repository, judge_models
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.expiry import expired
from modelmill.pins import LOCK, strict
from modelmill.resolve import Resolver, environments_of
from modelmill.scopes import Scope
from modelmill.sources import PROJECT, root_above

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

EPOCH = "SOURCE_DATE_EPOCH"


def lint(
    directory: Path | str,
    files: tuple[str, ...],
    format_name: str,
    today: date | None = None,
    *,
    locked: bool = False,
) -> int:
    """Print the findings of the repository, or of the models that the files are part of."""
    if today is None and EPOCH in os.environ:
        today = _today()
    paths = _paths(directory, files)
    only = Scope(paths=paths, alone=True) if files else None
    sources, repository = read(directory, format_name, only)
    repository = enforcing(repository) if locked else repository
    late = expired(repository.catalog, lambda: today or _today())
    if not files:
        everything = compile_repository(repository, seen=console.Progress("checking")).diagnostics
        found = [*(strict(everything) if locked else everything), *late]
        return console.findings(found, sources.texts, format_name)
    for path in sorted(paths - sources.texts.keys()):
        console.say(f"note: {path} is not a file that modelmill reads")
    models = _reached(repository.catalog, paths)
    everything = judge_models(repository, models)
    about = _about([*everything, *late], paths, models, repository.catalog)
    return console.findings(strict(about) if locked else about, sources.texts, format_name)


def _paths(directory: Path | str, files: Iterable[str]) -> frozenset[str]:
    """Files by their paths in the repository, if there is one: `read` says where there is none."""
    with suppress(CompileError):
        root = root_above(os.path.realpath(directory))
        return frozenset(relative(root, directory, each) for each in files)
    return frozenset()


def relative(root: Path | str, directory: Path | str, path: str) -> str:
    """A file by its path in the repository."""
    whole, above = os.path.realpath(os.path.join(directory, path)), os.path.join(root, "")
    if not whole.startswith(above) or not os.path.isfile(whole):
        where = "outside the repository" if os.path.isfile(whole) else "not there"
        misuse(f"`{path}` is {where}")
    return whole.removeprefix(above)


def _today() -> date:
    """The day as all the world has it; a build that is to be repeated says which it was."""
    from datetime import UTC, datetime

    epoch = os.environ.get(EPOCH)
    if epoch is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError):
        misuse(f"{EPOCH} is no time: `{epoch}`")


def _reached(catalog: Catalog, paths: frozenset[str]) -> set[str]:
    """Models whose result depends on one of the files; all depend on modelmill.yaml, and any may on
    the lock."""
    if {PROJECT, LOCK} & paths:
        return set(catalog.models)
    resolver = Resolver(catalog)
    return {m.name for m in catalog.models.values() if paths & _files_of(catalog, resolver, m)}


def _files_of(catalog: Catalog, resolver: Resolver, model: Document) -> set[str]:
    documents = [model, *environments_of(catalog, model)]
    found = list(documents)
    for document in documents:
        try:
            found += resolver.chain(document.record.extends, document)
        except CompileError:
            continue
    with suppress(CompileError):
        found += resolver.role_presets(found)
    return {path for document in found for path in (document.path, *document.parts)}


def _about(
    found: Iterable[Diagnostic], paths: frozenset[str], models: set[str], catalog: Catalog
) -> list[Diagnostic]:
    """Without the findings in files of models that nobody asked about."""
    near = paths | {catalog.models[name].path for name in models}
    others = f"{catalog.project.paths.models}/"
    return [
        d
        for d in found
        if d.span is None or d.span.path in near or not d.span.path.startswith(others)
    ]
