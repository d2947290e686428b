"""`modelmill lint`: everything that can be known without writing or building anything."""

from __future__ import annotations

from pathlib import Path

import click

from modelmill import console
from modelmill.catalog import Catalog, Document
from modelmill.commands.shared import format_option, read, stop
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.pipeline import Compilation, compile_repository
from modelmill.resolve import Resolver, environments_of


@click.command(name="lint")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE]...")
@format_option
@click.pass_obj
def command(directory: Path, files: tuple[str, ...], format_name: str) -> int:
    """Check the repository, or only the models that the files given are part of.

    A preset or overlay given stands for every model it reaches. Findings of other files are left out.
    """
    sources, repository = read(directory, format_name)
    if not files:
        everything = compile_repository(repository).diagnostics
        return console.findings(everything, sources.texts, format_name)
    paths = {_relative(sources.root, directory, each) for each in files}
    models = _reached(repository.catalog, paths)
    found = _about(compile_repository(repository, models), paths, models, repository.catalog)
    return console.findings(found, sources.texts, format_name)


def _relative(root: Path, directory: Path, path: str) -> str:
    whole = (directory / path).resolve()
    if not whole.is_relative_to(root):
        console.say(f"{path} is outside the repository")
        stop(2)
    return whole.relative_to(root).as_posix()


def _reached(catalog: Catalog, paths: set[str]) -> set[str]:
    """Models whose result depends on one of the files."""
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
    return {document.path for document in found}


def _about(
    compilation: Compilation, paths: set[str], models: set[str], catalog: Catalog
) -> list[Diagnostic]:
    """Findings at the files, and at the models they reach."""
    near = paths | {catalog.models[name].path for name in models}
    return [d for d in compilation.diagnostics if d.span is None or d.span.path in near]
