"""`modelmill promote`: an environment's own settings of a model, carried to another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as Folder

import click

from modelmill import console
from modelmill.catalog import Document
from modelmill.commands.shared import apply_edits, chosen, edited_text, model_of, read, stop
from modelmill.diagnostics import CompileError, did_you_mean
from modelmill.dotted import spell
from modelmill.editing.beyond import beyond
from modelmill.editing.lift import lift
from modelmill.editing.promotion import (
    ENTRIES,
    Chosen,
    Promotion,
    chooser,
    entry_paths,
    promotion,
)
from modelmill.editing.requests import path_of
from modelmill.editing.spots import Path
from modelmill.redaction import hide
from modelmill.reports.wording import visible
from modelmill.repository import Repository
from modelmill.resolve import environments_of
from modelmill.showing import counted, shown
from modelmill.sources import Sources
from modelmill.tree import Node, plain
from modelmill.tuples import NamedTuple

MOST_TOLD = 6


class Way(NamedTuple):
    """From one environment to another."""

    source: Document
    target: Document


@click.command(name="promote")
@click.argument("arguments", nargs=-1, metavar="MODEL [PATH]...")
@click.option("--from", "source", required=True, metavar="ENV", help="Whose settings are carried.")
@click.option("--to", "target", required=True, metavar="ENV", help="Who gets them.")
@click.option("--all", "everything", is_flag=True, help="Carry sizing, too: replicas, resources, …")
@click.option("--lift", is_flag=True, help="Move what both then say into the model's `spec`.")
@click.option("--all-models", is_flag=True, help="Every model that both take, instead of MODEL.")
@click.option("--label", metavar="KEY=VALUE", help="Every model with this label, instead of MODEL.")
@click.option("--check", is_flag=True, help="Only say what is missing; exit 1 if anything is.")
@click.option("-n", "--dry-run", is_flag=True, help="Write nothing; show what would change.")
@click.pass_obj
def command(
    directory: Folder,
    arguments: tuple[str, ...],
    source: str,
    target: str,
    everything: bool,
    lift: bool,
    all_models: bool,
    label: str | None,
    check: bool,
    dry_run: bool,
) -> int:
    """Give MODEL's entry for one environment what its entry for another has.

    Without PATHs that is everything but how much hardware it has; a PATH, as `explain` prints it,
    carries just that. What environments have of their own files is told, never carried.
    """
    sources, repository = read(directory)
    way = _way(repository, source, target)
    names, texts = _split(arguments, several=all_models or label is not None)
    paths = [_path(text) for text in texts]
    models = _models(repository, way, names, label)
    wanted = chooser(paths, everything=everything)
    for model in models if names else ():
        _known(model, source, paths)
    found = {m.path: (m, promotion(m, source, target, wanted)) for m in models}
    for model, each in found.values():
        if names or each.carried:
            _remarks(repository, model, way, each)
    if check:
        return _check(found.values(), way)
    edited = {
        path: edited_text(path, sources.texts[path], each.edits)
        for path, (_, each) in found.items()
        if each.edits
    }
    if lift:
        edited = _lifted(sources, models, way, wanted, edited)
    if not edited:
        console.say(visible(f"`{target}` lacks nothing that is carried"))
        return 0
    apply_edits(sources, repository, edited, dry_run=dry_run)
    return 0


def _way(repository: Repository, source: str, target: str) -> Way:
    overlays = repository.catalog.overlays
    chosen("environment", [source, target], overlays)
    if source == target:
        raise click.UsageError("--from and --to are the same environment")
    return Way(overlays[source], overlays[target])


def _split(arguments: Sequence[str], *, several: bool) -> tuple[Sequence[str], Sequence[str]]:
    """The model's name, and paths."""
    if several:
        return (), arguments
    if not arguments:
        raise click.UsageError("name a model, or take several by --label or --all-models")
    return arguments[:1], arguments[1:]


def _path(text: str) -> Path:
    try:
        path = path_of(text)
    except ValueError as fault:
        raise click.UsageError(visible(str(fault))) from None
    return path[1:] if path[0] == "spec" and len(path) > 1 else path


def _models(
    repository: Repository, way: Way, names: Sequence[str], label: str | None
) -> list[Document]:
    """The model named, or all that both environments take."""
    catalog = repository.catalog
    if names:
        model = model_of(repository, names[0])
        for overlay in way:
            if overlay not in environments_of(catalog, model):
                message = f"the environment `{overlay.name}` does not take `{model.name}`"
                raise click.UsageError(message)
        return [model]
    key, is_pair, value = (label or "").partition("=")
    if label is not None and not is_pair:
        raise click.UsageError(f"`{label}` is not KEY=VALUE, such as team=search")
    return [
        model
        for model in catalog.models.values()
        if set(way) <= set(environments_of(catalog, model))
        and (label is None or model.record.metadata.labels.get(key) == value)
    ]


def _known(model: Document, source: str, paths: Sequence[Path]) -> None:
    """What is asked for by name must be there to be carried."""
    known = entry_paths(model, source)
    for path in paths:
        if path not in known:
            hint = did_you_mean(spell(path), map(spell, known))
            says = f"the entry of `{model.name}` for `{source}` does not set {spell(path)}"
            raise click.UsageError(visible(says + (f"; {hint}" if hint else "")))


def _remarks(repository: Repository, model: Document, way: Way, each: Promotion) -> None:
    """What stays as it is, and why."""
    if each.left:
        console.say(visible(f"{model.name}: left {_listed(each.left)}: name it to carry it"))
    if each.kept:
        console.say(visible(f"{model.name}: only `{way.target.name}` has {_listed(each.kept)}"))
    more = list(beyond(repository, model, *way))
    for value in more[:MOST_TOLD]:
        there = f" (`{way.target.name}`: {shown(value.there)})" if value.there is not None else ""
        told = f"`{way.source.name}` has also {value.path}: {shown(value.value)}"
        place = f"{value.step.layer} at {value.step.span}"
        console.say(visible(f"{model.name}: {told}{there}, of {place}"))
    if len(more) > MOST_TOLD:
        console.say(
            f"{model.name}: and {counted(len(more) - MOST_TOLD, 'further value')} like that"
        )


def _listed(paths: Sequence[Path]) -> str:
    told = ", ".join(spell(path) for path in paths[:MOST_TOLD])
    more = len(paths) - MOST_TOLD
    return told + (f" and {more} further" if more > 0 else "")


def _check(found: Iterable[tuple[Document, Promotion]], way: Way) -> int:
    lines = [line for model, each in found for line in _lacking(model, way, each)]
    console.result("".join(f"{visible(line)}\n" for line in lines))
    return 1 if lines else 0


def _lacking(model: Document, way: Way, each: Promotion) -> Iterator[str]:
    """What the target lacks, one value a line."""
    for path in each.carried:
        here = model.node.nearest(ENTRIES, way.source.name, *path)
        there = model.node.get(ENTRIES, way.target.name, *path)
        was = f" (`{way.target.name}`: {_said(there, path)})" if there is not None else ""
        what = f"{way.target.name} lacks {spell(path)}: {_said(here, path)}"
        yield f"{here.span.path}:{here.span.line}: {model.name}: {what}{was}"


def _said(node: Node, path: Path) -> str:
    return shown(hide(plain(node), path, ()))


def _lifted(
    sources: Sources, models: Sequence[Document], way: Way, wanted: Chosen, texts: dict[str, str]
) -> dict[str, str]:
    names = (way.source.name, way.target.name)
    try:
        lifted, found = lift(sources.root, texts, [m.name for m in models], names, wanted)
    except CompileError as fault:
        quoted = {**sources.texts, **texts}
        stop(console.findings(fault.diagnostics, quoted, "text"))
    for name, each in found.items():
        if each.lifted:
            console.say(visible(f"{name}: into `spec` went {_listed(each.lifted)}"))
        if each.left:
            console.say(
                visible(f"{name}: not lifted, as environments differ: {_listed(each.left)}")
            )
    return lifted
