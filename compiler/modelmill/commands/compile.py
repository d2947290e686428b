"""`modelmill compile`: write generated/, or say how it differs from what it should be."""

from __future__ import annotations

import os
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.shared import (
    chosen,
    enforcing,
    environment_option,
    format_option,
    locked_option,
    overlay_of,
    read,
)
from modelmill.diagnostics import has_errors
from modelmill.filetree import Changes
from modelmill.output import diagnose, lock, survey, write
from modelmill.pins import strict
from modelmill.pipeline import compile_repository
from modelmill.repository import Repository
from modelmill.resolve import environments_of


@click.command(name="compile")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 if generated/ is not up to date."
)
@environment_option
@locked_option
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    default=None,
    metavar="N",
    help="Processes to use; all cores unless given.",
)
@format_option
@click.pass_obj
def command(
    directory: Path,
    models: tuple[str, ...],
    check: bool,
    environment: str | None,
    locked: bool,
    jobs: int | None,
    format_name: str,
) -> int:
    """Compile all models, or those named, into generated/.

    With -e only models that this environment takes. What is no longer generated is deleted; files
    that modelmill did not write are left alone.
    """
    sources, repository = read(directory, format_name)
    repository = enforcing(repository) if locked else repository
    names = _names(repository, models, environment)
    with lock(sources.root):
        compilation = compile_repository(
            repository, names, jobs or os.cpu_count() or 1, console.Progress("compiling")
        )
        if locked:
            compilation = compilation._replace(diagnostics=strict(compilation.diagnostics))
        if has_errors(compilation.diagnostics):
            return console.findings(compilation.diagnostics, sources.texts, format_name)
        state = survey(sources.root, sources.project.paths.generated, compilation.units, names)
        if check:
            found = (*compilation.diagnostics, *diagnose(state))
            return console.findings(found, sources.texts, format_name)
        edited = state.edited
        changes = write(state)
    status = console.findings(compilation.diagnostics, sources.texts, format_name)
    console.say(_summary(changes, len(compilation.units)))
    for path in edited:
        console.say(f"note: {state.generated}/{path} had been edited by hand")
    for path in state.foreign:
        console.say(f"note: {state.generated}/{path} is not modelmill's and was left alone")
    return status


def _names(
    repository: Repository, models: tuple[str, ...], environment: str | None
) -> list[str] | None:
    """The models to compile; None for all of them."""
    catalog = repository.catalog
    names = chosen("model", models, catalog.models) if models else None
    overlay = overlay_of(repository, environment)
    if overlay is None:
        return names
    taken = [m.name for m in catalog.models.values() if overlay in environments_of(catalog, m)]
    return [name for name in taken if names is None or name in names]


def _summary(changes: Changes, units: int) -> str:
    of = "1 unit" if units == 1 else f"{units} units"
    if not changes:
        return f"{of} up to date"
    counts = {
        "added": len(changes.added),
        "changed": len(changes.changed),
        "deleted": len(changes.removed),
    }
    return ", ".join(f"{n} {what}" for what, n in counts.items() if n) + f" in {of}"
