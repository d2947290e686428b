"""`modelmill new`: a model file that compiles as it is."""

from __future__ import annotations

from pathlib import Path

import click

from modelmill import console
from modelmill.commands.shared import chosen, read
from modelmill.diagnostics import CompileError, Note, error, has_errors
from modelmill.listing import ENDINGS
from modelmill.newfiles import create
from modelmill.repository import Repository
from modelmill.scaffold import SCHEMAS, STARTER_URI, Scaffold, check_name, scaffold_model


@click.command(name="new")
@click.argument("name")
@click.option(
    "--preset", "presets", multiple=True, metavar="PRESET", help="A preset to extend; repeatable."
)
@click.option(
    "--uri",
    default=STARTER_URI,
    show_default=True,
    help="Weights: hf://, pvc://, pvc+hf://, oci://.",
)
@click.option("--path", metavar="PATH", help="File or folder to write, below the models folder.")
@click.pass_obj
def command(
    directory: Path, name: str, presets: tuple[str, ...], uri: str, path: str | None
) -> int:
    """Write a model file called NAME, and print its path.

    Without an engine or an accelerator among the presets given, one of the repository's is chosen.
    """
    check_name(name)
    sources, repository = read(directory)
    chosen("preset", presets, repository.catalog.presets)
    _refuse_taken(repository, name)
    target = _target(sources.root, directory, repository.catalog.project.paths.models, name, path)
    scaffold = scaffold_model(repository, target, name, uri, presets)
    if not create(sources.root, {target: scaffold.text}).written:
        raise click.UsageError(f"`{target}` exists, and was left as it is")
    console.result(f"{target}\n")
    for remark in _remarks(sources.root, target, scaffold):
        console.say(remark)
    return 0


def _refuse_taken(repository: Repository, name: str) -> None:
    first = repository.catalog.models.get(name)
    if first is not None:
        message = f"there is a Model named `{name}` already"
        raise CompileError([error("N202", message, notes=[Note("it is here", first.span)])])


def _target(root: Path, directory: Path, models: str, name: str, path: str | None) -> str:
    """The file to write, relative to the repository."""
    if path is None:
        return f"{models}/{name}.yaml"
    whole = (directory / path).resolve()
    if not path.endswith(ENDINGS):
        whole /= f"{name}.yaml"
    if not whole.is_relative_to(root / models):
        raise click.UsageError(f"`{path}` is not below `{models}/`, where models are")
    return whole.relative_to(root).as_posix()


def _remarks(root: Path, target: str, scaffold: Scaffold) -> list[str]:
    remarks = []
    if scaffold.extends:
        remarks.append("it extends " + ", ".join(scaffold.extends))
    if has_errors(scaffold.findings):
        remarks.append(f"it does not compile yet: `modelmill lint {target}` says what it needs")
    if not (root / SCHEMAS / "model.json").is_file():
        remarks.append("run `modelmill schema --write` for the schema its first line names")
    return remarks
