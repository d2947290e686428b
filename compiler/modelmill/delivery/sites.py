"""Where each environment's part of generated/ is read from, and by whom.

In: the project's `delivery` and what an overlay lays over it. Out: a Site per environment that is
delivered, or every value that does not fit, at its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from modelmill.catalog import Document
from modelmill.diagnostics import CompileError
from modelmill.filetree import ENVIRONMENTS
from modelmill.merge import merge
from modelmill.names import child_name
from modelmill.shapes import Problems
from modelmill.spec.delivery import Delivery
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

PLACEHOLDER = "{environment}"
PROJECT_NAME = "modelmill"
"""Stands in names for a project without one."""


class Site(NamedTuple):
    """One environment as it is delivered.

    overlay     its document
    delivery    what is said of it, the project's and its own
    node        the same with its places
    generated   folder of the project that the compiler writes
    apis        kind to `group/version`
    project     the project's name
    """

    overlay: Document
    delivery: Delivery
    node: Node
    generated: str
    apis: Mapping[str, str]
    project: str = PROJECT_NAME

    @property
    def environment(self) -> str:
        return self.overlay.name

    @property
    def name(self) -> str:
        """Name of what there is once in the environment: a project, a set, a source."""
        return child_name(self.project, self.environment)

    def model_name(self, model: str) -> str:
        """Name of what brings a model in."""
        return child_name(model, self.environment)

    @property
    def environment_name(self) -> str:
        """Name of what brings in the environment's own objects."""
        return child_name(self.name, "environment")

    @property
    def delivery_name(self) -> str:
        """Name of what keeps the environment's folder of a controller itself up to date, with its
        source; and of its AppProject: it makes Applications, which no model may."""
        return child_name(self.name, "delivery")

    @property
    def branch(self) -> str:
        """The branch that controllers read."""
        return self.delivery.git.branch.replace(PLACEHOLDER, self.environment)

    @property
    def is_alone(self) -> bool:
        """Whether the branch holds this environment alone: overlays there stand on no base."""
        return PLACEHOLDER in self.delivery.git.branch

    def path(self, *parts: str) -> str:
        """A path below generated/, as the repository has it."""
        folder = self.delivery.git.path.strip("/")
        return "/".join([*([folder] if folder else []), self.generated, *parts])

    def model_path(self, model: str) -> str:
        return self.path(model, "overlays", self.environment)

    def environment_path(self, *parts: str) -> str:
        return self.path(ENVIRONMENTS, self.environment, *parts)


def site_of(
    project: Node | None,
    overlay: Document,
    generated: str,
    apis: Mapping[str, str],
    name: str = PROJECT_NAME,
) -> Site | None:
    """How an environment is delivered; None where it is not."""
    own = overlay.node.value.get("delivery")
    if own is not None and own.value is None:
        return None
    if project is not None and own is not None:
        node = merge(project, own, Delivery.shape())
    else:
        node = project or own
    if node is None:
        return None
    problems = Problems(partial=False)
    delivery: Any = Delivery.shape().decode(node, problems)
    if problems.found:
        raise CompileError(problems.found)
    return Site(overlay, cast(Delivery, delivery), node, generated, apis, name)
