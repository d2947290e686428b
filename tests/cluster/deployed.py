"""What a repository deploys, environment by environment, as kustomize builds it.

In: a repository that compiles. Out: the objects that are in a cluster together.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml
from api_server import Object

from modelmill.environments import objects_of_environment
from modelmill.kinds import emit
from modelmill.kserve.thin import configs_of
from modelmill.layout import place
from modelmill.patches import apply_patches
from modelmill.repository import index
from modelmill.resolve import Resolver, environments_of
from modelmill.sources import read_sources
from modelmill.variant import decode
from support import built, compiled

CONTROLLERS = ("argo-cd", "flux")


class Deployed(NamedTuple):
    """An environment, "" for models without one, and all that is applied of it."""

    environment: str
    objects: tuple[Object, ...]


def deployed(repository: Path) -> list[Deployed]:
    """Every environment; the delivery objects that bring its models are among its own."""
    compiled(repository)
    generated = repository / "generated"
    own = generated / "_environments"
    models = [each for each in sorted(generated.iterdir()) if (each / "base").is_dir()]
    environments = sorted(each.name for each in own.iterdir()) if own.is_dir() else []
    found = [Deployed(each, _objects(generated, models, each)) for each in environments]
    alone = [each / "base" for each in models if not (each / "overlays").is_dir()]
    bases = tuple(body for folder in alone for body in built(folder))
    return [*found, *([Deployed("", bases)] if bases else [])]


def _objects(generated: Path, models: list[Path], environment: str) -> tuple[Object, ...]:
    own = generated / "_environments" / environment
    folders = [own, *(each / "overlays" / environment for each in models)]
    folders += [top / each for top in (own, generated / "_delivery") for each in CONTROLLERS]
    files = [each / name / f"{environment}.yaml" for each in models for name in CONTROLLERS]
    bodies = [b for each in folders if (each / "kustomization.yaml").exists() for b in built(each)]
    bodies += [b for each in files if each.exists() for b in _documents(each)]
    return tuple(bodies)


def _documents(path: Path) -> list[Object]:
    """The objects of a file; what an ApplicationSet's generator reads is none."""
    return [each for each in yaml.load_all(path.read_text(), yaml.CSafeLoader) if "kind" in each]


def unchecked(repository: Path) -> list[Object]:
    """What a repository would deploy if no rule had judged it; no delivery objects."""
    found = index(read_sources(repository))
    resolver, catalog = Resolver(found.catalog), found.catalog
    made = [
        each
        for overlay in catalog.overlays.values()
        for each in objects_of_environment(found, resolver, overlay)
    ]
    for model in catalog.models.values():
        for environment in environments_of(catalog, model):
            variant = decode(resolver.variant(model, environment), found.versions)
            if variant.kserve is not None:
                variant = variant.over(configs_of(resolver, variant))
            patched = apply_patches(variant, emit(variant))
            made += [place(each, variant.namespace) for each in patched]
    return [each.body for each in made]
