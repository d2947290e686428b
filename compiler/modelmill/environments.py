"""What environments own, and the whole project: the units of generated/ that are no model's.

In: an environment's document, its presets, how it is delivered. Out: its objects, and the files
they are written to.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill import delivery
from modelmill.catalog import Document
from modelmill.filetree import ENVIRONMENTS, Unit
from modelmill.kserve.thin import (
    configs_used,
    environment_configs,
    environment_images,
    presets_behind,
)
from modelmill.layout import folder_files
from modelmill.locked import used_by
from modelmill.namespaces import environment_objects
from modelmill.pins import Used
from modelmill.repository import Repository, digest, header
from modelmill.resolve import Resolver
from modelmill.resource import Resource
from modelmill.sources import PROJECT
from modelmill.variant import BaseConfig


def objects_of_environment(
    repository: Repository, resolver: Resolver, overlay: Document
) -> tuple[Resource, ...]:
    """What the environment itself owns, as a cluster will see it."""
    return _objects(repository, overlay, configs_used(resolver, repository.versions, overlay))


def _objects(
    repository: Repository, overlay: Document, configs: Mapping[str, BaseConfig]
) -> tuple[Resource, ...]:
    made = (
        *environment_objects(overlay, repository.versions.apis),
        *environment_configs(repository.versions, overlay, configs),
    )
    return delivery.environment_annotated(repository.sites.get(overlay.name), made)


def environment_units(
    repository: Repository, configs: Mapping[str, Mapping[str, BaseConfig]]
) -> tuple[dict[str, Unit], list[Used]]:
    """The units of all environments and of what their controllers need once, and what their objects
    name that a lock may pin. `configs`: what their models' resources of KServe refer to."""
    resolver, overlays = Resolver(repository.catalog), repository.catalog.overlays.values()
    units, named = {}, []
    for overlay in overlays:
        mine = configs.get(overlay.name, {})
        presets = presets_behind(resolver, mine)
        own = used_by(environment_images(repository.versions, overlay, mine))
        found = digest(repository, [overlay, *presets], own)
        files = _environment_files(repository, overlay, mine)
        units[f"{ENVIRONMENTS}/{overlay.name}"] = Unit(files, *found)
        named.append(own)
    files = delivery.project_files(header(PROJECT), tuple(repository.sites.values()))
    if files:
        units[delivery.DELIVERY] = Unit(files, *digest(repository, overlays, Used()))
    return units, named


def _environment_files(
    repository: Repository, overlay: Document, configs: Mapping[str, BaseConfig]
) -> dict[str, str]:
    """Its own objects, and what brings it and its models in."""
    site, first = repository.sites.get(overlay.name), header(overlay.path)
    objects = _objects(repository, overlay, configs)
    files = folder_files(first, "", objects)
    return files if site is None else files | delivery.environment_files(first, site, objects)
