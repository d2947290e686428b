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
from modelmill.commands.shared import format_option, read
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.expiry import expired
from modelmill.pipeline import compile_repository
from modelmill.resolve import Resolver, environments_of
from modelmill.sources import PROJECT


@click.command(name="lint")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE]...")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day on which what is accepted must hold.",
    show_default="that of SOURCE_DATE_EPOCH, or the clock's",
)
@format_option
@click.pass_obj
def command(
    directory: Path, files: tuple[str, ...], today: datetime | None, format_name: str
) -> int:
    """Check the repository, or only the models that the files given are part of.

    A preset or overlay given stands for every model it reaches; other files' findings are left out.
    """
    day = today.date() if today is not None else _today()
    sources, repository = read(directory, format_name)
    late = expired(repository.catalog, day)
    if not files:
        everything = compile_repository(repository, seen=console.Progress("checking")).diagnostics
        return console.findings([*everything, *late], sources.texts, format_name)
    paths = {_relative(sources.root, directory, each) for each in files}
    for path in sorted(paths - sources.texts.keys()):
        console.say(f"note: {path} is not a file that modelmill reads")
    models = _reached(repository.catalog, paths)
    everything = compile_repository(repository, models).diagnostics
    found = _about([*everything, *late], paths, models, repository.catalog)
    return console.findings(found, sources.texts, format_name)


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
    """Models whose result depends on one of the files; all depend on modelmill.yaml."""
    if PROJECT in paths:
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
