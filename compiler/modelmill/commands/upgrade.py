"""`modelmill upgrade`: take over a newer preset library or version set, seen before it is done."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelmill import console, library
from modelmill.catalogues import version_sets
from modelmill.commands.shared import chosen, read
from modelmill.diagnostics import has_errors
from modelmill.editing.outcome import outcome
from modelmill.newfiles import replace
from modelmill.pins import LOCK, changed, lock_text
from modelmill.repository import Repository
from modelmill.showing import counted
from modelmill.sources import PROJECT, Sources
from modelmill.upgrade_report import Sets, lines, rendered
from modelmill.upgrading import (
    Side,
    Verdict,
    files_of,
    findings_of,
    judge,
    library_of,
    shipped_presets,
)

FORMATS = ("text", "markdown", "json")


@click.command(name="upgrade")
@click.option("--plan", is_flag=True, help="Show what it would change, and write nothing.")
@click.option("--to", "version_set", metavar="SET", help="The version set to change to.")
@click.option(
    "--library",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Take presets from this folder instead of those that modelmill ships.",
)
@click.option("--keep-presets", is_flag=True, help="Leave the presets; for --to alone.")
@click.option(
    "--take",
    type=(click.Choice(["theirs", "ours"]), str),
    multiple=True,
    metavar="theirs|ours NAME",
    help="Whose text of a preset wins, where both have changed it.",
)
@click.option("--adopt", is_flag=True, help="What differs from the library is your own edit.")
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="text")
@click.pass_obj
def command(
    directory: Path,
    plan: bool,
    version_set: str | None,
    folder: Path | None,
    keep_presets: bool,
    take: tuple[tuple[Side, str], ...],
    adopt: bool,
    format_name: str,
) -> int:
    """Renew the presets that were copied from the library, and with --to the version set.

    What nobody edited here is replaced, what was edited stays. With --plan each change is shown,
    and what it does to the manifests of each model.
    """
    sources, repository = read(directory)
    wanted = _wanted_set(repository, version_set)
    sets = (repository.versions.name, wanted)
    verdicts: list[Verdict] = []
    if not keep_presets:
        shipped = shipped_presets(library.presets(_place(directory, folder)))
        chosen("preset of the library", [name for _, name in take], shipped)
        taken: dict[str, Side] = {name: side for side, name in take}
        verdicts = judge(repository, shipped, taken, adopt=adopt)
    files = _files(sources, repository, verdicts, wanted, library.release(folder))
    after = outcome(sources, repository, files)
    found = [*findings_of(verdicts), *after.findings]
    status = 1 if has_errors(found) else 0
    if plan:
        comparison = None if has_errors(after.findings) else after.comparison
        color = console.wants_color(sys.stdout)
        console.result(rendered(format_name, verdicts, sets, comparison, color=color))
    console.findings(found, {**sources.texts, **after.texts}, "text")
    return status if plan or status else _done(sources, files, verdicts, sets)


def _place(directory: Path, folder: Path | None) -> Path | None:
    if folder is not None and not (directory / folder).is_dir():
        raise click.UsageError(f"`{folder}` is not a folder")
    return directory / folder if folder is not None else None


def _wanted_set(repository: Repository, version_set: str | None) -> str:
    if version_set is None:
        return repository.versions.name
    (found,) = chosen("version set", [version_set], version_sets())
    return found


def _files(
    sources: Sources,
    repository: Repository,
    verdicts: list[Verdict],
    wanted: str,
    release: str | None,
) -> dict[str, str | None]:
    """Every file as it would be. The lock is the last: what is cut off is done again."""
    files = files_of(verdicts)
    if wanted != repository.versions.name:
        files[PROJECT] = _with_set(sources, wanted)
    if verdicts:
        lock = changed(repository.catalog.lock, library=library_of(verdicts, release))
        files[LOCK] = lock_text(lock)
    return {path: text for path, text in files.items() if text != sources.texts.get(path)}


def _with_set(sources: Sources, wanted: str) -> str:
    """modelmill.yaml with another version set, and not another letter changed."""
    from modelmill.editing.edits import Put, edited

    return edited(PROJECT, sources.texts[PROJECT], [Put(("versions", "set"), wanted)])


def _done(
    sources: Sources, files: dict[str, str | None], verdicts: list[Verdict], sets: Sets
) -> int:
    if not files:
        console.say("nothing to upgrade")
        return 0
    # The project before the lock, the presets before both.
    replace(sources.root, files, {path: sources.texts.get(path) for path in files})
    for line in lines(verdicts, sets):
        console.say(line)
    console.say(f"\nwrote {', '.join(files) if len(files) < 4 else counted(len(files), 'file')}")
    console.say("run `modelmill compile`, and commit what both wrote")
    return 0
