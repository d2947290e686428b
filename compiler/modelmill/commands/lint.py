"""`modelmill lint`: everything that can be known without writing or building anything."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import click

from modelmill import console
from modelmill.catalog import Catalog, Document
from modelmill.commands.shared import (
    enforcing,
    fix_options,
    format_option,
    locked_option,
    read,
    stop,
    write_fixes,
)
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.expiry import expired
from modelmill.pins import LOCK, strict
from modelmill.pipeline import compile_repository
from modelmill.resolve import Resolver, environments_of
from modelmill.sources import PROJECT, find_root


@click.command(name="lint")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day on which what is accepted must hold.",
    show_default="that of SOURCE_DATE_EPOCH, or the clock's",
)
@locked_option
@fix_options
@format_option
@click.pass_obj
def command(
    directory: Path,
    files: tuple[str, ...],
    today: datetime | None,
    locked: bool,
    fix: bool,
    dry_run: bool,
    format_name: str,
) -> int:
    """Check the repository, or only the models that the files given are part of.

    A preset or overlay given stands for every model it reaches; other files' findings are left out.
    --fix writes what has one right answer first: fields and flags by their names, words that YAML's
    readers take for different things.
    """
    if fix:
        _fix(directory, files, dry_run=dry_run)
    day = today.date() if today is not None else _today()
    sources, repository = read(directory, format_name)
    repository = enforcing(repository) if locked else repository
    late = expired(repository.catalog, day)
    if not files:
        everything = compile_repository(repository, seen=console.Progress("checking")).diagnostics
        found = [*(strict(everything) if locked else everything), *late]
        return console.findings(found, sources.texts, format_name)
    paths = {_relative(sources.root, directory, each) for each in files}
    for path in sorted(paths - sources.texts.keys()):
        console.say(f"note: {path} is not a file that modelmill reads")
    models = _reached(repository.catalog, paths)
    everything = compile_repository(repository, models).diagnostics
    about = _about([*everything, *late], paths, models, repository.catalog)
    return console.findings(strict(about) if locked else about, sources.texts, format_name)


def _fix(directory: Path, files: tuple[str, ...], *, dry_run: bool) -> None:
    from modelmill.repairs import repaired

    try:
        root = find_root(directory.resolve())
    except CompileError as fault:
        stop(console.findings(fault.diagnostics, {}, "text"))
    only = {_relative(root, directory, each) for each in files} or None
    found = repaired(root, only)
    write_fixes(root, found.before, found.after, found.done, dry_run=dry_run)


def _today() -> date:
    """The day as all the world has it; a build that is to be repeated says which it was."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError(f"SOURCE_DATE_EPOCH is no time: `{epoch}`") from None


def _relative(root: Path, directory: Path, path: str) -> str:
    whole = (directory / path).resolve()
    if not whole.is_relative_to(root) or not whole.is_file():
        where = "outside the repository" if whole.is_file() else "not there"
        raise click.UsageError(f"`{path}` is {where}")
    return whole.relative_to(root).as_posix()


def _reached(catalog: Catalog, paths: set[str]) -> set[str]:
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
    found: Iterable[Diagnostic], paths: set[str], models: set[str], catalog: Catalog
) -> list[Diagnostic]:
    """Without the findings in files of models that nobody asked about."""
    near = paths | {catalog.models[name].path for name in models}
    others = f"{catalog.project.paths.models}/"
    return [
        d
        for d in found
        if d.span is None or d.span.path in near or not d.span.path.startswith(others)
    ]
