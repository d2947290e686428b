"""`modelmill compile`: write generated/, or say how it differs from what it should be."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from modelmill import console
from modelmill.commands.compiling import everything, told, watched
from modelmill.commands.options import environment_option, format_option, jobs_option, locked_option
from modelmill.commands.shared import chosen, enforcing, overlay_of, read
from modelmill.compilation import compile_repository
from modelmill.diagnostics import has_errors
from modelmill.incremental.build import Outcome, Request, written
from modelmill.incremental.shards import WHOLE, Shard
from modelmill.output import diagnose, lock, survey, write
from modelmill.pins import strict
from modelmill.repository import Repository
from modelmill.resolve import environments_of
from modelmill.scopes import Scope
from modelmill.sources import find_root


class _Part(click.ParamType[Shard]):
    """I/N, from 1."""

    name = "part"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        found = re.fullmatch("([0-9]{1,4})/([0-9]{1,4})", str(value))
        number, total = (int(each) for each in found.groups()) if found else (0, 0)
        if not 1 <= number <= total:
            self.fail(f"`{value}` is no part of a whole, such as 1/4 to 4/4", param, ctx)
        return Shard(number, total)


@click.command(name="compile")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 if generated/ is not up to date."
)
@environment_option
@locked_option
@jobs_option
@click.option(
    "--shard",
    type=_Part(),
    default=None,
    metavar="I/N",
    help="Only the Ith of N parts of the models, for several machines.",
)
@click.option("--watch", is_flag=True, help="Compile again whenever an input changes.")
@format_option
@click.pass_obj
def command(
    directory: Path,
    models: tuple[str, ...],
    check: bool,
    environment: str | None,
    locked: bool,
    jobs: int | None,
    shard: Shard | None,
    watch: bool,
    format_name: str,
) -> int:
    """Compile all models, or those named, into generated/.

    With -e only models that this environment takes. What is no longer generated is deleted; files
    that modelmill did not write are left alone. What is known from earlier compiles is kept in the
    user's cache folder, or in that of MODELMILL_CACHE_DIR; nowhere if that is empty.
    """
    processes = jobs or os.cpu_count() or 1
    if not models and environment is None:
        root = find_root(directory.resolve())
        seen = console.Progress("compiling")
        request = Request(root, check, locked, processes, seen, shard or WHOLE)
        return watched(request, format_name) if watch else everything(request, format_name)
    if shard is not None or watch:
        option = "--watch" if watch else "--shard"
        raise click.UsageError(f"{option} is about all models: name none, and no environment")
    only = Scope(frozenset(models)) if models else None
    sources, repository = read(directory, format_name, only)
    repository = enforcing(repository) if locked else repository
    names = _names(repository, models, environment)
    with lock(sources.root):
        compilation = compile_repository(
            repository, names, processes, console.Progress("compiling")
        )
        found, count = compilation.diagnostics, len(compilation.units)
        found = strict(found) if locked else found
        if has_errors(found):
            return console.findings(found, sources.texts, format_name)
        state = survey(sources.root, sources.project.paths.generated, compilation.units, names)
        done = None if check else written(state, write(state))
    found = (*found, *diagnose(state)) if check else found
    return told(Outcome(found, sources.texts, count, done), format_name)


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
