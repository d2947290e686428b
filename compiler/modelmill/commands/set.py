"""`modelmill set`: values written into input files, all else in them as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path as Folder

import click

from modelmill import console
from modelmill.catalog import Document
from modelmill.commands.options import environment_option
from modelmill.commands.shared import (
    apply_edits,
    chosen,
    edited_text,
    model_of,
    overlay_of,
    read,
    stop,
)
from modelmill.dotted import spell
from modelmill.editing.edits import Drop, Edit, Put
from modelmill.editing.effect import Overruled, overruled, places_of
from modelmill.editing.requests import assignment, path_of, shape_at, value_of
from modelmill.editing.spots import Path
from modelmill.editing.values import has, written_values
from modelmill.reach import presets_of
from modelmill.reports.wording import visible
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.spec.documents import DOCUMENTS, Spec
from modelmill.tuples import NamedTuple

MOST_TOLD = 3


class Place(NamedTuple):
    """A document, and what of it the paths on the command line begin below."""

    document: Document
    below: Path = ()

    def whole(self, path: Path) -> Path:
        """A path in the document. What only the document has as a whole needs no more words."""
        if not self.below:
            return path
        if path[0] == "spec" and len(path) > 1:
            path = path[1:]
        fields = DOCUMENTS[self.document.kind].shape().fields
        is_above = self.below == ("spec",) and path[0] not in Spec.shape().fields
        return path if is_above and path[0] in fields else (*self.below, *path)


@click.command(name="set")
@click.argument("arguments", nargs=-1, metavar="MODEL PATH=VALUE...")
@environment_option
@click.option("--unset", multiple=True, metavar="PATH", help="Take a value out; repeatable.")
@click.option("--preset", metavar="NAME", help="Edit this preset instead of a model.")
@click.option("--overlay", metavar="NAME", help="Edit this environment's own file.")
@click.option("--project", is_flag=True, help="Edit modelmill.yaml.")
@click.option("-n", "--dry-run", is_flag=True, help="Write nothing; show what would change.")
@click.pass_obj
def command(
    directory: Folder,
    arguments: tuple[str, ...],
    environment: str | None,
    unset: tuple[str, ...],
    preset: str | None,
    overlay: str | None,
    project: bool,
    dry_run: bool,
) -> int:
    """Write values into a model's file, and show how the manifests change.

    PATH is as `explain` prints it, and VALUE is YAML: roles.decode.replicas=4. With -e the model's
    entry for that environment is edited. Of --overlay and --project, PATH begins at the top of the
    file. Nothing is written that does not compile.
    """
    others = [each for each in (preset, overlay, project) if each]
    if len(others) > 1 or (others and environment is not None):
        raise click.UsageError("--preset, --overlay, --project and -e exclude each other")
    name, assignments = (None, arguments) if others else (arguments[:1], arguments[1:])
    if name is not None and (not name or "=" in name[0]):
        raise click.UsageError("name a model first: modelmill set MODEL PATH=VALUE")
    if not assignments and not unset:
        raise click.UsageError("say what to set, as PATH=VALUE, or name a path with --unset")
    sources, repository = read(directory)
    if name:
        place = _of_model(repository, name[0], environment)
    elif preset or overlay:
        place = Place(
            _other(repository, "Preset" if preset else "Overlay", preset or overlay or "")
        )
        place = place._replace(below=("spec",) if preset else ())
    else:
        place = Place(sources.settings)
    edits = _edits(place, assignments, unset)
    before = sources.texts[place.document.path]
    after = edited_text(place.document.path, before, edits)
    if after == before:
        console.say(visible(f"{place.document.path} says so already"))
        return 0
    outcome = apply_edits(sources, repository, {place.document.path: after}, dry_run=dry_run)
    if outcome.repository is not None:
        for remark in _without_effect(outcome.repository, place, edits, environment):
            console.say(visible(remark))
    return 0


def _of_model(repository: Repository, name: str, environment: str | None) -> Place:
    document, overlay = model_of(repository, name), overlay_of(repository, environment)
    if overlay is None:
        return Place(document, ("spec",))
    if overlay not in environments_of(repository.catalog, document):
        raise click.UsageError(f"the environment `{overlay.name}` does not take `{name}`")
    return Place(document, ("environments", overlay.name))


def _other(repository: Repository, kind: str, name: str) -> Document:
    known = repository.catalog.presets if kind == "Preset" else repository.catalog.overlays
    if (kind, name) in repository.catalog.unread:
        console.findings(repository.problems, repository.texts, "text")
        stop(1)
    chosen("preset" if kind == "Preset" else "environment", [name], known)
    return known[name]


def _edits(place: Place, assignments: Sequence[str], unset: Sequence[str]) -> list[Edit]:
    shape = DOCUMENTS[place.document.kind].shape()
    edits: list[Edit] = []
    try:
        for text in assignments:
            path, value = assignment(text)
            whole = place.whole(path)
            edits.append(Put(whole, value_of(value, spell(path), shape_at(shape, whole))))
        for text in unset:
            path = path_of(text)
            if isinstance(path[-1], int):
                raise ValueError(f"an item of a list cannot be unset: set {spell(path[:-1])}=[…]")
            edits.append(Drop(place.whole(path)))
    except ValueError as fault:
        raise click.UsageError(visible(str(fault))) from None
    tree = written_values(place.document.node)
    for edit in edits:
        if isinstance(edit, Drop) and not has(tree, edit.path):
            where = f"{place.document.path} does not set {spell(edit.path)}"
            console.say(visible(f"note: {where}: nothing to unset"))
    return edits


def _without_effect(
    repository: Repository, place: Place, edits: Sequence[Edit], environment: str | None
) -> Iterator[str]:
    """Where a higher layer says otherwise than what was set."""
    catalog = repository.catalog
    kinds = {"Model": catalog.models, "Preset": catalog.presets, "Overlay": catalog.overlays}
    document = kinds.get(place.document.kind, {}).get(place.document.name)
    layer: Path = place.below or ("spec",)
    if document is None:
        return
    variants = list(_reached(repository, document, environment))
    for edit in edits:
        if isinstance(edit, Put) and edit.path[: len(layer)] == layer and edit.path != layer:
            path, node = edit.path[len(layer) :], document.node.nearest(*edit.path)
            found = list(overruled(repository, variants, places_of(node), path))
            yield from _told(spell(path), found, one_model=document.kind == "Model")


def _reached(
    repository: Repository, document: Document, environment: str | None
) -> Iterator[tuple[Document, Document]]:
    """Models and environments that a document is a layer of."""
    resolver = Resolver(repository.catalog)
    for model in repository.catalog.models.values():
        for overlay in environments_of(repository.catalog, model):
            is_layer = document in (model, overlay) or (
                document.kind == "Preset" and document in presets_of(resolver, model, overlay)
            )
            if is_layer and environment in (None, overlay.name):
                yield model, overlay


def _told(path: str, found: Sequence[Overruled], *, one_model: bool) -> Iterator[str]:
    """One line for all models of an environment that the same line overrules."""
    acts = {"set": "sets it", "unset": "unsets it", "replaced": "replaces it"}
    groups: dict[tuple[str, str], list[str]] = {}
    for each in found:
        why = "a higher layer leaves it out"
        if each.by is not None:
            why = f"{each.by.layer} {acts[each.by.act]} at {each.by.span}"
        groups.setdefault((each.environment, why), []).append(each.model)
    for (environment, why), models in list(groups.items())[:MOST_TOLD]:
        of = f" of `{models[0]}`" if len(models) == 1 else f" of {len(models)} models"
        where = f"`{environment}`" + ("" if one_model else of)
        yield f"note: {path} has no effect in {where}: {why}"
    if len(groups) > MOST_TOLD:
        yield f"note: nor has it in {len(groups) - MOST_TOLD} further places"
