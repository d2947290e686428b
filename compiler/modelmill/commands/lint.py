"""`modelmill lint`: everything that can be known without writing or building anything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.linting import lint, relative
from modelmill.commands.options import fix_options, format_option, locked_option
from modelmill.commands.shared import stop, write_fixes
from modelmill.diagnostics import CompileError
from modelmill.sources import find_root


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
    return lint(directory, files, format_name, today and today.date(), locked=locked)


def _fix(directory: Path, files: tuple[str, ...], *, dry_run: bool) -> None:
    from modelmill.repairs import repaired

    try:
        root = find_root(directory.resolve())
    except CompileError as fault:
        stop(console.findings(fault.diagnostics, {}, "text"))
    only = {relative(root, directory, each) for each in files} or None
    found = repaired(root, only)
    write_fixes(root, found.before, found.after, found.done, dry_run=dry_run)
