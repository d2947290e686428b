"""`modelmill schema`: print the JSON Schema of one kind of file, or write all of them."""

from __future__ import annotations

from pathlib import Path

import click

from modelmill import console
from modelmill.newfiles import update
from modelmill.scaffold import schema_texts
from modelmill.schema import KINDS, schema_text


@click.command(name="schema")
@click.argument("kind", type=click.Choice(list(KINDS), case_sensitive=False), required=False)
@click.option(
    "--write",
    "folder",
    is_flag=False,
    flag_value="schemas",
    default=None,
    metavar="[DIR]",
    help="Write every schema into DIR (schemas/ unless given) instead.",
)
@click.pass_obj
def command(directory: Path, kind: str | None, folder: str | None) -> int:
    """Print the JSON Schema of the files of KIND."""
    if (kind is None) == (folder is None):
        raise click.UsageError("name a KIND to print, or give --write: " + ", ".join(KINDS))
    if kind is not None:
        console.result(schema_text(kind))
        return 0
    assert folder is not None
    changed = update(directory / folder, schema_texts())
    console.say(f"{len(changed)} of {len(KINDS)} schemas in {folder.rstrip('/')}/ changed")
    return 0
