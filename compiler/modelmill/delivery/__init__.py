"""Controllers that bring generated/ to clusters, one module each.

A module knows the objects of its controller: what it reads for a model, what for an environment,
and what annotations ask of it. It knows no other controller's, and nothing of files but FOLDER:

    generated/<model>/<FOLDER>/<environment>.yaml            one model in one environment
    generated/_environments/<environment>/<FOLDER>/          what brings the environment in
    generated/_delivery/<FOLDER>/                            what the controller itself needs, once
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from modelmill import model_cache, yamltext
from modelmill.catalog import Catalog
from modelmill.delivery import git_rules
from modelmill.delivery.collisions import environments_collide
from modelmill.delivery.sites import PROJECT_NAME, Site, site_of
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.layout import folder_files
from modelmill.resource import Resource, with_annotations
from modelmill.tree import Node
from modelmill.variant import Variant
from modelmill.waves import in_waves


class Controller(Protocol):
    """What a module of a controller has."""

    FOLDER: str

    def site_faults(self, site: Site) -> Iterable[Diagnostic]:
        """What cannot work of what is said of the environment, whatever its models are."""
        ...

    def faults(
        self, site: Site, variant: Variant, resources: Sequence[Resource]
    ) -> Iterable[Diagnostic]:
        """What cannot work of one model in the environment. `resources`: as they are emitted."""
        ...

    def annotated(self, site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
        """Objects of a model, or of an environment itself, with what the controller is to know of
        each. Sync waves are there already. In the order given, none more and none fewer; nothing
        but annotations may differ."""
        ...

    def for_model(self, site: Site, variant: Variant, resources: Sequence[Resource]) -> Resource:
        """What brings one model into one environment. `resources`: as they are emitted."""
        ...

    def in_file(self, site: Site, made: Resource) -> Mapping[str, Any]:
        """What a model's file holds of that: its body, or what a template of the controller's makes
        it of."""
        ...

    def for_environment(self, site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
        """What brings in the environment's own objects, which `resources` are, and all its
        models."""
        ...

    def for_project(self, sites: Sequence[Site]) -> tuple[Resource, ...]:
        """What the controller itself needs to know of the kinds that are emitted; `sites` are those
        it is chosen in."""
        ...


CONTROLLERS = ("argo_cd", "flux")
"""Modules, each named like the field of `delivery` that chooses its controller."""

DELIVERY = "_delivery"
"""The unit of what controllers need once."""
KEPT = {
    "argocd.argoproj.io/sync-options": "Prune=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""What keeps a cache's claim where it is not known who delivers: it was hours of downloading."""


def sites_of(
    project: Node, catalog: Catalog, apis: Mapping[str, str]
) -> tuple[dict[str, Site], list[Diagnostic]]:
    """The environments that are delivered, by name, and what is wrong with how. One with errors is
    not among them. `project`: modelmill.yaml."""
    sites: dict[str, Site] = {}
    found: list[Diagnostic] = []
    own, generated = project.get("delivery"), catalog.project.paths.generated
    name = catalog.project.metadata.name if catalog.project.metadata else PROJECT_NAME
    for overlay in catalog.overlays.values():
        try:
            site = site_of(own, overlay, generated, apis, name)
        except CompileError as fault:
            found += fault.diagnostics
            continue
        if site is None:
            continue
        faults = [*git_rules.site_faults(site)]
        faults += [d for each in chosen(site) for d in each.site_faults(site)]
        found += faults
        if not has_errors(faults):
            sites[overlay.name] = site
    return sites, [*found, *environments_collide(sites)]


def chosen(site: Site) -> tuple[Controller, ...]:
    """The controllers of an environment."""
    delivery = site.delivery
    return tuple([_controller(n) for n in CONTROLLERS if getattr(delivery, n) is not None])


@cache
def _controller(name: str) -> Controller:
    return cast(Controller, import_module(f"{__name__}.{name}"))


def annotated(
    sites: Sequence[Site | None], variant: Variant, resources: Sequence[Resource]
) -> tuple[Resource, ...]:
    """A model's objects with what those who deliver are to know of each: of the one environment
    they are for, or what is alike in all of them. None: an environment that is not delivered."""
    # What runs already as it is waits for nothing, and is not to change.
    is_adopted = all(map(variant.is_bare, variant.roles))
    waved = tuple(resources) if is_adopted else in_waves(resources, variant.once)
    # Environments that share the project's `delivery` share what is made of it.
    distinct = {id(site and site.delivery): site for site in sites} or {0: None}
    first, *others = (
        _annotated(site, waved) if site is not None else _kept(variant, waved)
        for site in distinct.values()
    )
    for other in others:
        first = tuple(map(_alike, waved, first, other))
    return tuple(
        plain if noted is plain else _shared(variant, plain, noted)
        for plain, noted in zip(resources, first, strict=True)
    )


def faults(site: Site, variant: Variant, resources: Sequence[Resource]) -> Iterator[Diagnostic]:
    """What cannot work of one model in an environment."""
    for each in chosen(site):
        yield from each.faults(site, variant, resources)


def model_files(
    header: str, site: Site, variant: Variant, resources: Sequence[Resource]
) -> dict[str, str]:
    """Files of a model's unit that bring it into one environment, by path below the unit."""
    return {
        f"{each.FOLDER}/{site.environment}.yaml": header
        + yamltext.dump(each.in_file(site, each.for_model(site, variant, resources)))
        for each in chosen(site)
    }


def model_objects(
    site: Site, variant: Variant, resources: Sequence[Resource]
) -> tuple[Resource, ...]:
    """What brings a model into one environment, as objects that a person compares."""
    return tuple(each.for_model(site, variant, resources) for each in chosen(site))


def environment_files(header: str, site: Site, resources: Sequence[Resource]) -> dict[str, str]:
    """Files of an environment's unit that bring it and its models in. `resources`: its own."""
    return {
        path: text
        for each in chosen(site)
        for path, text in folder_files(
            header, each.FOLDER, each.for_environment(site, resources)
        ).items()
    }


def environment_delivery(site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The same as objects."""
    return tuple(made for each in chosen(site) for made in each.for_environment(site, resources))


def environment_annotated(site: Site | None, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """An environment's own objects with what those who deliver are to know of each."""
    waved = in_waves(resources)
    return waved if site is None else _annotated(site, waved)


def project_files(header: str, sites: Sequence[Site]) -> dict[str, str]:
    """Files of what controllers need once, by path below the unit; none where no controller of any
    environment needs anything."""
    files: dict[str, str] = {}
    for name in CONTROLLERS:
        own = [site for site in sites if getattr(site.delivery, name) is not None]
        if not own:
            continue
        each = _controller(name)
        made = each.for_project(own)
        if made:
            files.update(folder_files(header, each.FOLDER, made))
    return files


def _annotated(site: Site, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    for each in chosen(site):
        resources = each.annotated(site, resources)
    return resources


def _kept(variant: Variant, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    cache = model_cache.cache_of(variant)
    if cache is None or cache.claim is None:
        return resources
    claim = ("PersistentVolumeClaim", model_cache.claim_name(variant))
    return tuple(
        with_annotations(each, KEPT) if (each.kind, each.name) == claim else each
        for each in resources
    )


def _shared(variant: Variant, plain: Resource, noted: Resource) -> Resource:
    """What another environment made of the same object, if it noted the same of it: what is one
    object is compared and written once."""
    annotations = noted.body["metadata"]["annotations"].items()
    key = ("noted", plain, *(text for pair in annotations for text in pair))
    return variant.once(key, lambda: noted)


def _alike(plain: Resource, one: Resource, other: Resource) -> Resource:
    """The object with the annotations that both have."""
    if one is other:
        return one
    found, beside = (r.body["metadata"].get("annotations", {}) for r in (one, other))
    if found == beside:
        return one
    alike = {key: value for key, value in found.items() if beside.get(key) == value}
    return with_annotations(plain, alike) if alike else plain
