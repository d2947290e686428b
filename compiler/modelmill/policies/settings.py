"""Which policies hold in an environment.

In: the project's `policies` and what an overlay lays over them. Out: what is Held where, by
environment, None being without one; and every value that does not fit, at its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from modelmill.catalog import Catalog
from modelmill.diagnostics import CompileError, Diagnostic, Note, Severity
from modelmill.merge import merge
from modelmill.record import camel
from modelmill.shapes import Problems
from modelmill.spec.policies import Level, PolicyExemption, ProjectPolicies
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

STRICT: Mapping[str, Level] = {
    "images.digest": "error",
    "resources.requests": "error",
    "resources.memoryLimits": "error",
    "resources.cpuLimits": "off",
    "resources.accelerators": "error",
    "probes.startup": "off",
    "probes.readiness": "error",
    "probes.liveness": "error",
    "pods.serviceAccountToken": "error",
    "pods.rootFilesystem": "off",
    "pods.hostNamespaces": "error",
    "pods.disruptionBudgets": "error",
    "pods.spread": "error",
}
"""Policies by name, as the profile `strict` has them. That of registries goes by its list."""
DEFAULT: Mapping[str, Level] = {"resources.accelerators": "error"}
PROFILES = {"default": DEFAULT, "strict": STRICT}
REGISTRIES = "images.registries"
NAMES = (*STRICT, REGISTRIES)
SEVERITIES: Mapping[Level, Severity] = {"error": "error", "warn": "warning"}


class Held(NamedTuple):
    """The policies of an environment, with their places where any are said.

    levels  of every policy that is not off, by name
    """

    policies: ProjectPolicies
    levels: Mapping[str, Level]
    node: Node | None = None

    def level(self, policy: str) -> Level:
        return self.levels.get(policy, "off")

    def exemption(self, model: str, policy: str) -> PolicyExemption | None:
        return self.policies.exemptions.get(model, {}).get(policy)

    def told(self, policy: str) -> tuple[Note, ...]:
        """Where a policy is demanded, if that is said anywhere."""
        path = policy.split(".")
        node = self.node and (self.node.get(*path) or self.node.get("profile"))
        return (Note(f"`{policy}` is demanded here", node.key_span),) if node else ()


def held_to(policies: ProjectPolicies, node: Node | None = None) -> Held:
    """What policies ask for, once for all objects that are held to them."""
    levels = {each: _level(policies, each) for each in NAMES}
    return Held(policies, {name: each for name, each in levels.items() if each != "off"}, node)


def _level(policies: ProjectPolicies, policy: str) -> Level:
    if policy == REGISTRIES:
        return "error" if policies.images.registries is not None else "off"
    section, _, name = policy.partition(".")
    said = getattr(policies, section)
    own = next((v for k, v in vars(said).items() if camel(k) == name), None)
    return cast(Level, own or PROFILES[policies.profile].get(policy, "off"))


NOTHING = held_to(ProjectPolicies())


def policies_alone(project: Node | None) -> Held:
    """A Project's policies by themselves, as its file was found to be in order."""
    problems = Problems(partial=False)
    record: Any = project and ProjectPolicies.shape().decode(project, problems)
    if problems.found:
        raise CompileError(problems.found)
    return held_to(record, project) if record else NOTHING


def policies_of(
    project: Node | None, catalog: Catalog
) -> tuple[dict[str | None, Held], list[Diagnostic]]:
    """What holds in each environment. `project`: the tree of the project's own policies."""
    layers: dict[str | None, Node | None] = {None: project}
    for overlay in catalog.overlays.values():
        own = overlay.node.get("policies")
        layers[overlay.name] = (
            merge(project, own, ProjectPolicies.shape()) if project and own else own or project
        )
    held, found = {}, []
    for environment, node in layers.items():
        problems = Problems(partial=False)
        record: Any = node and ProjectPolicies.shape().decode(node, problems)
        found += problems.found
        held[environment] = held_to(record, node) if record and not problems.found else NOTHING
    return held, list(dict.fromkeys(found))
