"""The corridor, as one list: parse → index → resolve → decode → check → emit → lay out.

In: what `sources` read. Out: a Compilation: every unit of generated/ as text, and every finding.
Pure, and the same for one process or many; reading and writing are its callers'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from modelmill.accepted import accepted, misused
from modelmill.catalog import Catalog, Document, build_catalog
from modelmill.catalogues import VersionSet, version_set, version_sets
from modelmill.chains import UNREAD
from modelmill.checks import ENVIRONMENT_CHECKS, FLEET_CHECKS, VARIANT_CHECKS
from modelmill.checks.facts import Facts, facts_of
from modelmill.checks.images import PIN, fault_of
from modelmill.coverage import coverage
from modelmill.diagnostics import (
    CompileError,
    Diagnostic,
    Note,
    did_you_mean,
    error,
    has_errors,
    tidy,
)
from modelmill.emitted import judge
from modelmill.inherited import brought_in, united
from modelmill.kinds import emit
from modelmill.kserve.thin import configs_of, environment_configs, presets_behind
from modelmill.layout import environment_files, lay_out, place
from modelmill.namespaces import environment_objects
from modelmill.output import ENVIRONMENTS, Unit
from modelmill.patches import apply_patches
from modelmill.resolve import Resolver, environments_of, unknown_environments
from modelmill.resource import Resource
from modelmill.sources import PROJECT, Sources
from modelmill.variant import Variant, decode


class Repository(NamedTuple):
    """A repository whose documents are indexed, ready to be resolved."""

    catalog: Catalog
    versions: VersionSet
    texts: Mapping[str, str]
    problems: tuple[Diagnostic, ...]


class Compiled(NamedTuple):
    """One model: its unit (None if it has errors), what it is known by, and what was found."""

    model: str
    unit: Unit | None
    facts: tuple[Facts, ...]
    diagnostics: tuple[Diagnostic, ...]


class Compilation(NamedTuple):
    """Everything: units by name, and all findings in order."""

    units: Mapping[str, Unit]
    diagnostics: tuple[Diagnostic, ...]


def index(sources: Sources) -> Repository:
    """Index what was read. Faults of single files do not hide the others'."""
    problems = list(sources.problems)
    try:
        versions = _versions(sources)
    except CompileError as fault:
        problems += fault.diagnostics
    try:
        catalog = build_catalog(sources.project, sources.documents, sources.unread)
    except CompileError as fault:
        problems += fault.diagnostics
    if len(problems) > len(sources.problems):
        raise CompileError(problems)
    return Repository(catalog, versions, sources.texts, tuple(problems))


def compile_repository(
    repository: Repository,
    models: Collection[str] | None = None,
    jobs: int = 1,
    seen: Callable[[int, int], None] | None = None,
) -> Compilation:
    """Compile all models, or those named, and what their environments own. `seen` is told how many
    of how many models are done."""
    from modelmill.workers import map_models

    catalog = repository.catalog
    chosen = [m for m in catalog.models.values() if models is None or m.name in models]
    compiled = map_models(
        lambda model, resolver: compile_model(repository, resolver, model),
        lambda: Resolver(catalog),
        chosen,
        jobs,
        seen,
    )
    found = [*repository.problems, *(d for each in compiled for d in each.diagnostics)]
    facts = [each for model in compiled for each in model.facts]
    found += [diagnostic for rule in FLEET_CHECKS for diagnostic in rule.check(facts)]
    units = {each.model: each.unit for each in compiled if each.unit is not None}
    if models is None:
        found += coverage(catalog, facts)
        overlays = catalog.overlays.values()
        found += [d for rule in ENVIRONMENT_CHECKS for o in overlays for d in rule.check(o)]
        units.update(_environment_units(repository))
    # Where a file could not be read its own faults say why, once.
    found = [d for d in united(found) if d.code != UNREAD]
    return Compilation(dict(sorted(units.items())), tidy(found))


def compile_model(repository: Repository, resolver: Resolver, model: Document) -> Compiled:
    """One model through the corridor: its base and every environment that takes it."""
    catalog = repository.catalog
    overlays = environments_of(catalog, model)
    found: dict[str | None, list[Diagnostic]] = {None: unknown_environments(catalog, model)}
    base = variant_of(repository, resolver, model, None, found)
    variants = {o.name: variant_of(repository, resolver, model, o, found) for o in overlays}
    objects = {n: _objects(catalog, variant, found) for n, variant in variants.items() if variant}
    base_objects = _objects(catalog, base, found) if base else ()
    if variants:
        # Nobody deploys the base: what only environments bring may be missing from it. The overlays
        # then hold their objects whole.
        everywhere = set.intersection(*(set(found[name]) for name in variants))
        found[None] = [
            d for d in found[None] if d.severity != "error" or d.code == "R303" or d in everywhere
        ]
    all_judged = base is not None and None not in variants.values()
    everything = [each for here in found.values() for each in here] if all_judged else None
    found[None] += misused(model, everything)
    diagnostics = _attributed(found)
    facts = tuple(
        facts_of(variant, objects[name])
        for name, variant in variants.items()
        if variant is not None and objects.get(name)
    )
    if has_errors(diagnostics):
        return Compiled(model.name, None, facts, diagnostics)
    namespaces = {o.name: o.record.namespace for o in overlays}
    files = lay_out(
        header(model.path), base_objects, {n: (namespaces[n], objects[n]) for n in objects}
    )
    documents = _inputs(resolver, model, overlays)
    digest, paths = _digest(repository, documents)
    return Compiled(model.name, Unit(files, digest, paths), facts, diagnostics)


def variant_of(
    repository: Repository,
    resolver: Resolver,
    model: Document,
    overlay: Document | None,
    found: dict[str | None, list[Diagnostic]],
) -> Variant | None:
    """Resolve, decode and check one variant; None where it cannot be read. Adds to `found`."""
    here = found.setdefault(overlay.name if overlay else None, [])
    try:
        resolved = resolver.variant(model, overlay) if overlay else resolver.base(model)
        variant = decode(resolved, repository.versions)
        if variant.kserve is not None:
            variant = variant.over(configs_of(resolver, variant))
    except CompileError as fault:
        here.extend(brought_in(repository.catalog, model, overlay, fault.diagnostics))
        return None
    judged = [diagnostic for rule in VARIANT_CHECKS for diagnostic in rule.check(variant)]
    here.extend(brought_in(repository.catalog, model, overlay, accepted(model, judged)))
    return None if has_errors(here) else variant


def objects_of(variant: Variant) -> tuple[Resource, ...]:
    """What a variant compiles to, last-mile patches applied. Raises where a patch misses."""
    emitted = emit(variant)
    patched = apply_patches(variant, emitted)
    problems = tuple(judge(variant, emitted, patched))
    if problems:
        raise CompileError(problems)
    return patched


def rendered(variant: Variant) -> tuple[Resource, ...]:
    """The objects as a cluster will see them, in their namespace."""
    return tuple(place(resource, variant.namespace) for resource in objects_of(variant))


def header(path: str) -> str:
    """The first line of every generated file; `output` knows our files by it."""
    return f"# Generated by modelmill from {path}; do not edit.\n"


def _objects(
    catalog: Catalog, variant: Variant, found: dict[str | None, list[Diagnostic]]
) -> tuple[Resource, ...]:
    try:
        return objects_of(variant)
    except CompileError as fault:
        noted = brought_in(catalog, variant.model, variant.overlay, fault.diagnostics)
        found[variant.environment].extend(noted)
        return ()


def _attributed(found: Mapping[str | None, Sequence[Diagnostic]]) -> tuple[Diagnostic, ...]:
    """Findings of all variants as one list: what holds everywhere once, the rest with a note that
    names the environments it holds in."""
    everywhere = dict.fromkeys(found.get(None, ()))
    places: dict[Diagnostic, list[str]] = {}
    for environment, diagnostics in found.items():
        for diagnostic in dict.fromkeys(diagnostics):
            if environment is not None and diagnostic not in everywhere:
                places.setdefault(diagnostic, []).append(environment)
    special = [
        d._replace(
            notes=(
                *d.notes,
                Note("in the environment " + ", ".join(f"`{e}`" for e in environments)),
            )
        )
        for d, environments in places.items()
    ]
    return tidy([*everywhere, *special])


def _environment_units(repository: Repository) -> dict[str, Unit]:
    units, resolver = {}, Resolver(repository.catalog)
    for overlay in repository.catalog.overlays.values():
        presets = presets_behind(resolver, repository.versions, overlay)
        digest, paths = _digest(repository, [overlay, *presets])
        objects = (
            *environment_objects(overlay, repository.versions.apis),
            *environment_configs(resolver, repository.versions, overlay),
        )
        files = environment_files(header(overlay.path), objects)
        units[f"{ENVIRONMENTS}/{overlay.name}"] = Unit(files, digest, paths)
    return units


def _inputs(resolver: Resolver, model: Document, overlays: Sequence[Document]) -> list[Document]:
    """Every document a model's output depends on."""
    laid = [resolver.chain(o.record.extends, o) for o in overlays]
    documents = [model, *resolver.chain(model.record.extends, model), *overlays]
    documents += [preset for chain in laid for preset in chain]
    unique = {d.path: d for d in [*documents, *resolver.role_presets(documents)]}
    return [unique[path] for path in sorted(unique)]


def _digest(repository: Repository, documents: Iterable[Document]) -> tuple[str, tuple[str, ...]]:
    """sha256 over the texts of the inputs, and their paths."""
    paths = sorted({PROJECT, *(path for d in documents for path in (d.path, *d.parts))})
    digest = hashlib.sha256()
    for path in paths:
        text = repository.texts[path].encode()
        digest.update(f"{path}\0{len(text)}\0".encode() + text)
    return digest.hexdigest(), tuple(paths)


def _versions(sources: Sources) -> VersionSet:
    """The version set, with the project's own images; raises if it names what is not there."""
    wanted, node = sources.project.versions, sources.settings.node
    known = version_sets()
    if wanted.set not in known:
        hint = did_you_mean(wanted.set, known) or "there are " + ", ".join(known)
        message = f"there is no version set `{wanted.set}`"
        raise CompileError([error("N208", message, node.nearest("versions", "set").span, hint)])
    found = version_set(wanted.set)
    unknown = [
        error(
            "N208",
            f"the version set {wanted.set} has no image `{name}`",
            node.nearest("versions", "images", name).key_span,
            did_you_mean(name, found.images) or "it has " + ", ".join(sorted(found.images)),
        )
        for name in wanted.images
        if name not in found.images
    ]
    unknown += [
        error(
            "C504",
            f"the image `{image}` {fault_of(image)}",
            node.nearest("versions", "images", name).span,
            PIN,
        )
        for name, image in wanted.images.items()
        if fault_of(image)
    ]
    if unknown:
        raise CompileError(unknown)
    return found._replace(images={**found.images, **wanted.images}, registries=wanted.registries)
