"""Controllers that bring generated/ to clusters, one module each.

A module knows the objects of its controller: what it reads for a model, what for an environment,
and what annotations ask of it. It knows no other controller's, and nothing of files but FOLDER:

    generated/<model>/<FOLDER>/<environment>.yaml            one model in one environment
    generated/_environments/<environment>/<FOLDER>/          what brings the environment in
    generated/_delivery/<FOLDER>/                            what the controller itself needs, once
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from modelmill.delivery.sites import Site
from modelmill.resource import Resource
from modelmill.variant import Variant


class Controller(Protocol):
    """What a module of a controller has."""

    FOLDER: str

    def is_chosen(self, site: Site) -> bool: ...

    def annotated(
        self, site: Site, variant: Variant, resources: Sequence[Resource]
    ) -> tuple[Resource, ...]:
        """The model's objects with what the controller is to know of each."""
        ...

    def for_model(
        self, site: Site, variant: Variant, resources: Sequence[Resource]
    ) -> Resource | dict[str, object]:
        """What brings one model into one environment."""
        ...

    def for_environment(self, site: Site, resources: Sequence[Resource]) -> tuple[Resource, ...]:
        """What brings in the environment's own objects, and all its models."""
        ...

    def for_project(self, sites: Sequence[Site]) -> tuple[Resource, ...]:
        """What the controller itself needs to know of the kinds that are emitted."""
        ...
