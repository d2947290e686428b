"""One side of a comparison: a repository as it was, or as it is.

In: an indexed repository, or none. Out: what a model or an environment is made of on that side, and
what was found wrong. Never: the other side.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.adapters import names_served
from modelmill.catalog import Document, read_document
from modelmill.delivery import environment_delivery
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.environments import objects_of_environment
from modelmill.locked import used
from modelmill.pins import LOCK, Used, pins_text, restricted, united_uses
from modelmill.pipeline import brought_by, objects_of, variant_of
from modelmill.reach import paths_of, presets_of
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.sizes import RoleSize, sizes
from modelmill.sources import PROJECT
from modelmill.syntax import parse
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

NOWHERE = ""
"""Stands for the environment of a model that no environment takes."""


class State(NamedTuple):
    """One model on one side: by environment its objects, tree, sizes and the names that requests
    ask for; the files behind it, and what it has of the lock."""

    objects: Mapping[str, tuple[Resource, ...]] = {}
    trees: Mapping[str, Node] = {}
    inputs: frozenset[str] = frozenset()
    sizes: Mapping[str, tuple[RoleSize, ...]] = {}
    lock: Document | None = None
    names: Mapping[str, tuple[str, ...]] = {}


class Side:
    """One repository, or none, and what was found wrong in it."""

    def __init__(self, repository: Repository | None) -> None:
        self.repository = repository
        self.resolver = Resolver(repository.catalog) if repository else None
        self.models = repository.catalog.models if repository else {}
        self.overlays = repository.catalog.overlays if repository else {}
        self.documents = documents_of(repository) if repository else {}
        self.problems: list[Diagnostic] = list(repository.problems) if repository else []

    def environment(self, name: str) -> tuple[Resource, ...]:
        """What an environment itself owns."""
        if name not in self.overlays or self.repository is None or self.resolver is None:
            return ()
        objects = objects_of_environment(self.repository, self.resolver, self.overlays[name])
        site = self.repository.sites.get(name)
        return (*objects, *(environment_delivery(site, objects) if site is not None else ()))

    def inputs(self, model: str) -> set[str]:
        """Files the model's output depends on."""
        if model not in self.models or self.repository is None or self.resolver is None:
            return set()
        document = self.models[model]
        overlays = environments_of(self.repository.catalog, document)
        found = [document, *overlays]
        for overlay in (*overlays, None):
            found += presets_of(self.resolver, document, overlay)
        locked = {LOCK} if self.repository.catalog.lock is not None else set()
        return {PROJECT, *locked, *(path for each in found for path in paths_of(each))}

    def texts(self, model: str) -> dict[str, str] | None:
        """What its inputs say; None where they cannot be told."""
        try:
            paths = self.inputs(model)
        except CompileError:
            return None
        if self.repository is None:
            return {}
        pinned = {LOCK: pins_text(self.repository.catalog.lock)} if LOCK in paths else {}
        return {path: self.repository.texts[path] for path in paths - {LOCK}} | pinned

    def state(self, model: str, environment: str | None) -> State:
        if model not in self.models or self.repository is None or self.resolver is None:
            return State()
        document = self.models[model]
        objects, trees, sized, names = {}, {}, {}, {}
        named: list[Used] = []
        found: dict[str | None, list[Diagnostic]] = {}
        for overlay in environments_of(self.repository.catalog, document) or (None,):
            name = overlay.name if overlay else NOWHERE
            if environment not in (None, name):
                continue
            variant = variant_of(self.repository, self.resolver, document, overlay, found)
            if variant is not None:
                try:
                    made = objects_of(self.repository, variant)
                    objects[name] = (*made, *brought_by(self.repository, variant, made))
                    trees[name] = variant.tree
                    sized[name] = sizes(variant)
                    names[name] = tuple(each for each, _ in names_served(variant))
                    named.append(used(variant))
                except CompileError as fault:
                    self.problems.extend(fault.diagnostics)
        errors = [d for each in found.values() for d in each if d.severity == "error"]
        self.problems.extend(errors)
        inputs = frozenset() if errors else frozenset(self.inputs(model))
        lock = restricted(self.repository.catalog.lock, united_uses(named))
        return State(objects, trees, inputs, sized, lock, names)

    def taken(self) -> list[Diagnostic]:
        """What was found since this was last asked."""
        found, self.problems = self.problems, []
        return found


def documents_of(repository: Repository) -> dict[str, Document]:
    """Every document by path, modelmill.yaml among them."""
    catalog = repository.catalog
    settings = read_document(PROJECT, parse(PROJECT, repository.texts[PROJECT].encode()))
    every = (catalog.models, catalog.presets, catalog.overlays)
    return {PROJECT: settings, **{d.path: d for kind in every for d in kind.values()}}
