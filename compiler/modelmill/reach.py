"""What an edit of a preset reaches.

In: an indexed repository and a preset's name. Out: every model and environment the preset is a
layer of, with the accelerators each asks for. Never: a guess. A variant that does not compile is
reported, not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from modelmill.catalog import Document
from modelmill.chains import UNREAD
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.groups import group_of
from modelmill.inherited import united
from modelmill.pipeline import Repository, variant_of
from modelmill.resolve import Resolver, environments_of
from modelmill.variant import Variant


class RoleSize(NamedTuple):
    """Replicas of a role and the accelerators of each."""

    name: str
    replicas: int
    gpus: int
    resource: str | None

    @property
    def total(self) -> int:
        return self.replicas * self.gpus if self.resource else 0


class Use(NamedTuple):
    """A variant the preset is a layer of. No environment: a model that none takes."""

    model: str
    environment: str | None
    roles: tuple[RoleSize, ...]


def uses(repository: Repository, preset: str) -> tuple[list[Use], tuple[Diagnostic, ...]]:
    """Every use, by model and environment, and what kept others from being counted."""
    resolver = Resolver(repository.catalog)
    found: list[Use] = []
    problems: list[Diagnostic] = list(repository.problems)
    for model in repository.catalog.models.values():
        for overlay in environments_of(repository.catalog, model) or (None,):
            try:
                is_used = any(p.name == preset for p in presets_of(resolver, model, overlay))
            except CompileError as fault:
                problems.extend(fault.diagnostics)
                continue
            if is_used:
                here: dict[str | None, list[Diagnostic]] = {}
                variant = variant_of(repository, resolver, model, overlay, here)
                problems.extend(each for some in here.values() for each in some)
                if variant is not None:
                    found.append(Use(model.name, variant.environment, sizes(variant)))
    errors = [d for d in united(problems) if d.severity == "error" and d.code != UNREAD]
    return found, tidy(errors)


def presets_of(resolver: Resolver, model: Document, overlay: Document | None) -> list[Document]:
    """Every preset that is a layer of a variant, for all its roles or for one."""
    chain = [*resolver.chain(model.record.extends, model)]
    own = [model.record.spec]
    if overlay is not None:
        chain += resolver.chain(overlay.record.extends, overlay)
        own += [overlay.record.spec, model.record.environments.get(overlay.name)]
    layers = [*(preset.record.spec for preset in chain), *own]
    return [*chain, *(preset for layer in layers for preset in resolver.presets_in(layer))]


def sizes(variant: Variant) -> tuple[RoleSize, ...]:
    return tuple(
        RoleSize(
            key,
            role.replicas,
            variant.gpus(key) * group_of(role).size,
            role.accelerator.resource if role.accelerator else None,
        )
        for key, role in variant.roles.items()
    )


def totals(found: Iterable[Use]) -> Mapping[str, int]:
    """Accelerators by resource, of all these uses together."""
    count: Counter[str] = Counter()
    for use in found:
        for role in use.roles:
            if role.resource:
                count[role.resource] += role.total
    return dict(sorted(count.items()))
