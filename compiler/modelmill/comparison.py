"""Two states of a repository, compiled and compared.

In: both, indexed. Out: a Comparison: per model and environment which objects differ and which lines
made them. A model none of whose inputs differ is not compiled at all. Never: reading or printing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from modelmill.catalog import Document, read_document
from modelmill.chains import UNREAD
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.inherited import united
from modelmill.kserve.thin import environment_configs
from modelmill.manifest_diff import Act, Change, ObjectChange, compare
from modelmill.namespaces import environment_objects
from modelmill.pipeline import Repository, objects_of, variant_of
from modelmill.reach import presets_of
from modelmill.redaction import literals
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.source_diff import Cause, causes, reached
from modelmill.sources import PROJECT
from modelmill.syntax import parse
from modelmill.tree import Node, plain
from modelmill.workers import map_models

FOR_MODELS = ("cluster", "extends", "metadata", "patches", "selector", "target")
"""Fields of an overlay that change models, never what the environment itself owns."""
NOWHERE = ""
"""Stands for the environment of a model that no environment takes."""


class Part(NamedTuple):
    """Environments in which the same objects change in the same way."""

    environments: tuple[str, ...]
    objects: tuple[ObjectChange, ...]


class ModelChange(NamedTuple):
    """One model; without a name, what the environments themselves own."""

    model: str
    act: Act
    parts: tuple[Part, ...]
    causes: tuple[Cause, ...]


class Comparison(NamedTuple):
    """What differs, and what kept each side from being compiled."""

    models: tuple[ModelChange, ...]
    before: tuple[Diagnostic, ...] = ()
    after: tuple[Diagnostic, ...] = ()


class _Compared(NamedTuple):
    """One model compared, and what was wrong on each side."""

    change: ModelChange | None = None
    before: tuple[Diagnostic, ...] = ()
    after: tuple[Diagnostic, ...] = ()


class _State(NamedTuple):
    """One model on one side: its objects and tree by environment, and the files behind it."""

    objects: Mapping[str, tuple[Resource, ...]] = {}
    trees: Mapping[str, Node] = {}
    inputs: frozenset[str] = frozenset()


class _Side:
    """One repository, or none, and what was found wrong in it."""

    def __init__(self, repository: Repository | None) -> None:
        self.repository = repository
        self.resolver = Resolver(repository.catalog) if repository else None
        self.models = repository.catalog.models if repository else {}
        self.overlays = repository.catalog.overlays if repository else {}
        self.documents = _documents(repository) if repository else {}
        self.problems: list[Diagnostic] = list(repository.problems) if repository else []

    def environment(self, name: str) -> tuple[Resource, ...]:
        """What an environment itself owns."""
        if name not in self.overlays or self.repository is None:
            return ()
        overlay, versions = self.overlays[name], self.repository.versions
        configs = environment_configs(self.resolver, versions, overlay) if self.resolver else ()
        return (*environment_objects(overlay, versions.apis), *configs)

    def inputs(self, model: str) -> set[str]:
        """Files the model's output depends on."""
        if model not in self.models or self.repository is None or self.resolver is None:
            return set()
        document = self.models[model]
        overlays = environments_of(self.repository.catalog, document)
        found = [document, *overlays]
        for overlay in (*overlays, None):
            found += presets_of(self.resolver, document, overlay)
        return {PROJECT, *(each.path for each in found)}

    def texts(self, model: str) -> dict[str, str] | None:
        """What its inputs say; None where they cannot be told."""
        try:
            paths = self.inputs(model)
        except CompileError:
            return None
        return {path: self.repository.texts[path] for path in paths} if self.repository else {}

    def state(self, model: str, environment: str | None) -> _State:
        if model not in self.models or self.repository is None or self.resolver is None:
            return _State()
        document = self.models[model]
        objects, trees = {}, {}
        found: dict[str | None, list[Diagnostic]] = {}
        for overlay in environments_of(self.repository.catalog, document) or (None,):
            name = overlay.name if overlay else NOWHERE
            if environment not in (None, name):
                continue
            variant = variant_of(self.repository, self.resolver, document, overlay, found)
            if variant is not None:
                try:
                    objects[name] = objects_of(variant)
                    trees[name] = variant.tree
                except CompileError as fault:
                    self.problems.extend(fault.diagnostics)
        errors = [d for each in found.values() for d in each if d.severity == "error"]
        self.problems.extend(errors)
        return _State(objects, trees, frozenset() if errors else frozenset(self.inputs(model)))

    def taken(self) -> list[Diagnostic]:
        """What was found since this was last asked."""
        found, self.problems = self.problems, []
        return found


def compare_repositories(
    before: Repository | None,
    after: Repository,
    models: Collection[str] = (),
    environment: str | None = None,
    jobs: int = 1,
) -> Comparison:
    """Everything, or only some models or one environment. No repository before: all is new."""
    old, new = _Side(before), _Side(after)
    every = {**old.models, **new.models}
    compared = map_models(
        lambda model, sides: _compared(model.name, environment, *sides),
        lambda: (_Side(before), _Side(after)),
        [every[name] for name in sorted(models or every)],
        jobs,
    )
    found = [] if models else _environments(old, new, environment)
    return Comparison(
        (*found, *(each.change for each in compared if each.change is not None)),
        _errors([*old.problems, *(d for each in compared for d in each.before)]),
        _errors([*new.problems, *(d for each in compared for d in each.after)]),
    )


def _compared(name: str, environment: str | None, old: _Side, new: _Side) -> _Compared:
    texts = old.texts(name)
    if texts is not None and texts == new.texts(name):
        return _Compared()
    found = _model(name, environment, old, new)
    return _Compared(found, tuple(old.taken()), tuple(new.taken()))


def _errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without those that only say that another file has errors: its own say which."""
    return tidy(d for d in united(diagnostics) if d.severity == "error" and d.code != UNREAD)


def _model(name: str, environment: str | None, before: _Side, after: _Side) -> ModelChange | None:
    old, new = before.state(name, environment), after.state(name, environment)
    paths = old.inputs | new.inputs
    files = [{p: s.documents[p] for p in paths & s.documents.keys()} for s in (before, after)]
    bodies = [r.body for s in (old, new) for rs in s.objects.values() for r in rs]
    secrets = literals([*bodies, *(plain(d.node) for each in files for d in each.values())])
    names = sorted(old.objects.keys() | new.objects.keys())
    changes = {n: compare(old.objects.get(n, ()), new.objects.get(n, ()), secrets) for n in names}
    parts = _parts(changes)
    if not parts:
        return None
    places = reached((old.trees.get(n), new.trees.get(n)) for n in names)
    act: Act = "added" if not old.objects else "removed" if not new.objects else "changed"
    edits = causes(files[0], files[1], places, secrets)
    if (name in before.models) != (name in after.models):
        # Beside a file that comes or goes, edits of what it would have built on explain nothing.
        edits = tuple(cause for cause in edits if not cause.path)
    return ModelChange(name, act, parts, edits)


def _documents(repository: Repository) -> dict[str, Document]:
    """Every document by path, modelmill.yaml among them."""
    catalog = repository.catalog
    settings = read_document(PROJECT, parse(PROJECT, repository.texts[PROJECT].encode()))
    every = (catalog.models, catalog.presets, catalog.overlays)
    return {PROJECT: settings, **{d.path: d for kind in every for d in kind.values()}}


def _parts(changes: Mapping[str, tuple[ObjectChange, ...]]) -> tuple[Part, ...]:
    """Environments with equal changes together, in order of the first."""
    parts: list[Part] = []
    for name, objects in changes.items():
        equal = next((i for i, part in enumerate(parts) if part.objects == objects), None)
        if equal is not None:
            parts[equal] = Part((*parts[equal].environments, name), objects)
        elif objects:
            parts.append(Part((name,), objects))
    return tuple(parts)


def _environments(old: _Side, new: _Side, environment: str | None) -> list[ModelChange]:
    """What environments own themselves, as one entry without a model's name."""
    names = sorted(old.overlays.keys() | new.overlays.keys())
    changes = {}
    documents: list[dict[str, Document]] = [{}, {}]
    for name in names if environment is None else [environment]:
        pair = old.overlays.get(name), new.overlays.get(name)
        objects = compare(old.environment(name), new.environment(name), ())
        changes[name] = (*_moved(*pair), *objects)
        if changes[name]:
            for held, overlay in zip(documents, pair, strict=True):
                held.update({overlay.path: overlay} if overlay is not None else {})
    parts = _parts(changes)
    if not parts:
        return []
    found = causes(documents[0], documents[1], set(), ())
    own = tuple(each for each in found if each.path.partition(".")[0] not in FOR_MODELS)
    return [ModelChange("", "changed", parts, own)]


def _moved(old: Document | None, new: Document | None) -> Sequence[ObjectChange]:
    """An environment whose objects all move to another namespace."""
    if old is None or new is None or old.record.namespace == new.record.namespace:
        return ()
    change = Change("changed", "namespace", old.record.namespace, new.record.namespace)
    return (ObjectChange("changed", "Environment", new.name, (change,)),)
