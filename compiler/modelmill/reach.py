"""What an edit of a file reaches.

In: an indexed repository and a preset's name, or the paths of input files. Out: every model and
environment that they are a layer of, with the accelerators each asks for. Never: a guess. A variant
that does not compile is reported, not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from modelmill.catalog import Document
from modelmill.chains import UNREAD
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.inherited import united
from modelmill.pipeline import variant_of
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.sizes import RoleSize, sizes
from modelmill.sources import PROJECT
from modelmill.tuples import NamedTuple


class Use(NamedTuple):
    """A variant that is reached. No environment: a model that none takes."""

    model: str
    environment: str | None
    roles: tuple[RoleSize, ...]


def uses(repository: Repository, preset: str) -> tuple[list[Use], tuple[Diagnostic, ...]]:
    """Every use of a preset, by model and environment, and what kept others from being counted."""
    return uses_of(repository, {repository.catalog.presets[preset].path})


def uses_of(
    repository: Repository, paths: Collection[str]
) -> tuple[list[Use], tuple[Diagnostic, ...]]:
    """Every variant that any of these files is an input of, by model and environment."""
    resolver = Resolver(repository.catalog)
    found: list[Use] = []
    problems: list[Diagnostic] = list(repository.problems)
    for model in repository.catalog.models.values():
        for overlay in environments_of(repository.catalog, model) or (None,):
            try:
                inputs = _inputs(resolver, model, overlay)
            except CompileError as fault:
                problems.extend(fault.diagnostics)
                continue
            if not inputs.isdisjoint(paths):
                here: dict[str | None, list[Diagnostic]] = {}
                variant = variant_of(repository, resolver, model, overlay, here)
                problems.extend(each for some in here.values() for each in some)
                if variant is not None:
                    found.append(Use(model.name, variant.environment, sizes(variant)))
    errors = [d for d in united(problems) if d.severity == "error" and d.code != UNREAD]
    return found, tidy(errors)


def _inputs(resolver: Resolver, model: Document, overlay: Document | None) -> set[str]:
    documents = [model, *([overlay] if overlay else []), *presets_of(resolver, model, overlay)]
    return {PROJECT, *(path for each in documents for path in paths_of(each))}


def paths_of(document: Document) -> tuple[str, ...]:
    """Its file, and those that are part of it."""
    return (document.path, *document.parts)


def presets_of(resolver: Resolver, model: Document, overlay: Document | None) -> list[Document]:
    """Every preset that is a layer of a variant, for all its roles or for one."""
    chain = [*resolver.chain(model.record.extends, model)]
    own = [model.record.spec]
    if overlay is not None:
        chain += resolver.chain(overlay.record.extends, overlay)
        own += [overlay.record.spec, model.record.environments.get(overlay.name)]
    layers = [*(preset.record.spec for preset in chain), *own]
    return [*chain, *(preset for layer in layers for preset in resolver.presets_in(layer))]


def totals(found: Iterable[Use]) -> Mapping[str, int]:
    """Accelerators by resource, of all these uses together."""
    count: Counter[str] = Counter()
    for use in found:
        for role in use.roles:
            if role.resource:
                count[role.resource] += role.total
    return dict(sorted(count.items()))
