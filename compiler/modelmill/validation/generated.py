"""What this repository's own models compile to, as objects to validate.

In: an indexed repository. Out: per environment its objects, and who leads from a fault to its line.
Objects are the compiler's own; that generated/ holds the same is the affair of `builds`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from modelmill.catalog import Document
from modelmill.delivery import environment_delivery
from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, has_errors
from modelmill.environments import objects_of_environment
from modelmill.inherited import brought_in
from modelmill.kinds import emit
from modelmill.patches import apply_patches
from modelmill.pipeline import brought_by, objects_of, rendered, variant_of
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path, at
from modelmill.validation.origins import Origins, written_at
from modelmill.validation.subjects import Subject, finding
from modelmill.workers import map_models


class Unit(NamedTuple):
    """The objects of a model in an environment (None: of its base, where it has no environment), or
    of an environment itself (`model` is None), as they are applied."""

    model: str | None
    environment: str | None
    resources: tuple[Resource, ...]


def units_of(repository: Repository, resolver: Resolver, model: Document) -> list[Unit] | None:
    """A model's objects in each environment; None where it does not compile."""
    found: dict[str | None, list[Diagnostic]] = {}
    overlays: list[Document | None] = [*environments_of(repository.catalog, model)]
    units = []
    for overlay in overlays or [None]:
        variant = variant_of(repository, resolver, model, overlay, found)
        if variant is None:
            return None
        units.append(Unit(model.name, variant.environment, rendered(repository, variant)))
        delivery = brought_by(repository, variant, objects_of(repository, variant))
        units.append(Unit(None, variant.environment, delivery))
    return None if any(map(has_errors, found.values())) else units


def environment_unit(repository: Repository, resolver: Resolver, overlay: Document) -> Unit:
    """What an environment itself owns."""
    own = objects_of_environment(repository, resolver, overlay)
    site = repository.sites.get(overlay.name)
    delivered = environment_delivery(site, own) if site is not None else ()
    return Unit(None, overlay.name, (*own, *delivered))


class Locator:
    """Leads from faults of units back to lines; compiles again what has faults, once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._resolver = Resolver(repository.catalog)
        self._origins: dict[tuple[str, str | None], Origins] = {}

    def finding(self, unit: Unit, resource: Resource, fault: Fault) -> Diagnostic:
        """A fault at the line behind it, with the ways by which that is the model's."""
        found = finding(Subject(resource, SpanOf(self, unit, resource)), fault)
        if unit.model is None:
            return found
        catalog = self._repository.catalog
        overlay = catalog.overlays[unit.environment] if unit.environment is not None else None
        return brought_in(catalog, catalog.models[unit.model], overlay, [found])[0]

    def span(self, unit: Unit, resource: Resource, path: Path, *, at_key: bool) -> Span:
        catalog = self._repository.catalog
        if unit.model is None:
            assert unit.environment is not None
            overlay = catalog.overlays[unit.environment]
            return written_at(overlay.node, path, at(resource.body, *path), at_key=at_key)
        key = (unit.model, unit.environment)
        if key not in self._origins:
            self._origins[key] = self._compiled(*key)
        return self._origins[key].span(resource.identity, path, at_key=at_key)

    def _compiled(self, model: str, environment: str | None) -> Origins:
        catalog = self._repository.catalog
        overlay = catalog.overlays[environment] if environment is not None else None
        variant = variant_of(self._repository, self._resolver, catalog.models[model], overlay, {})
        assert variant is not None
        emitted = emit(variant)
        return Origins(variant, emitted, apply_patches(variant, emitted))


class SpanOf(NamedTuple):
    """The way from a path in an object of a unit to its line."""

    locator: Locator
    unit: Unit
    resource: Resource

    def __call__(self, path: Path, at_key: bool) -> Span:
        return self.locator.span(self.unit, self.resource, path, at_key=at_key)


def by_environment(units: Iterable[Unit]) -> Mapping[str | None, list[Unit]]:
    """Units whose objects meet in one cluster."""
    found: dict[str | None, list[Unit]] = {}
    for unit in units:
        found.setdefault(unit.environment, []).append(unit)
    return found


def united(
    found: Iterable[tuple[str | None, Diagnostic]], every: Collection[str | None]
) -> list[Diagnostic]:
    """Findings that several environments share as one, with a note that names them where it is not
    so in every one."""
    places: dict[Diagnostic, list[str]] = {}
    for environment, diagnostic in found:
        named = places.setdefault(diagnostic, [])
        if environment is not None and environment not in named:
            named.append(environment)
    return [
        each._replace(notes=(*each.notes, Note(_told(named))))
        if 0 < len(named) < len(every)
        else each
        for each, named in places.items()
    ]


def _told(environments: Collection[str]) -> str:
    return "in the environment " + ", ".join(f"`{each}`" for each in environments)


def compiled_units(
    repository: Repository, models: Collection[str], environment: str | None, jobs: int
) -> list[Unit] | None:
    """All that the models compile to, or those named, in all environments or one; None where
    something does not compile."""
    catalog = repository.catalog
    chosen = [each for each in catalog.models.values() if not models or each.name in models]

    def work(model: Document, resolver: Resolver) -> list[Unit] | None:
        try:
            return units_of(repository, resolver, model)
        except CompileError:
            return None

    made = map_models(work, lambda: Resolver(catalog), chosen, jobs)
    units: list[Unit] = []
    for each in made:
        if each is None:
            return None
        units += each
    resolver = Resolver(catalog)
    units += [environment_unit(repository, resolver, each) for each in catalog.overlays.values()]
    return [u for u in units if environment in (None, u.environment)]
