"""The corridor for one model, as one list: resolve → decode → check → emit → judge → lay out.

In: a Repository and a model's document. Out: its unit of generated/ as text, every finding, and
what the whole repository has to know of it. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from modelmill import checks, delivery
from modelmill.accepted import accepted, misused
from modelmill.catalog import Catalog, Document
from modelmill.checks.facts import Facts, facts_of
from modelmill.delivery.sites import Site
from modelmill.diagnostics import CompileError, Diagnostic, Note, has_errors, tidy
from modelmill.emitted import judge
from modelmill.filetree import Unit
from modelmill.inherited import brought_in
from modelmill.kinds import emit
from modelmill.layout import lay_out, lay_out_alone, place
from modelmill.patches import apply_patches
from modelmill.pins import Used, united_uses
from modelmill.policies import judging
from modelmill.policies.settings import NOTHING
from modelmill.record import EMPTY
from modelmill.repository import Repository, digest, header
from modelmill.resolve import Resolver, environments_of, unknown_environments
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple
from modelmill.variant import BaseConfig, Variant, decode


class Compiled(NamedTuple):
    """One model: its unit (None if it has errors), what it is known by, what was found, what it
    deploys that a lock may pin, its files by environment where one is wanted alone, and the
    configurations under its resources of KServe by environment."""

    model: str
    unit: Unit | None
    facts: tuple[Facts, ...]
    diagnostics: tuple[Diagnostic, ...]
    used: Used = Used()
    alone: Mapping[str, Mapping[str, str]] = EMPTY
    configs: Mapping[str, tuple[BaseConfig, ...]] = EMPTY


def compile_model(
    repository: Repository,
    resolver: Resolver,
    model: Document,
    alone: Collection[str] = (),
    *,
    judged_only: bool = False,
) -> Compiled:
    """One model through the corridor: its base and every environment that takes it. `judged_only`:
    without its unit."""
    catalog = repository.catalog
    overlays = environments_of(catalog, model)
    found: dict[str | None, list[Diagnostic]] = {None: unknown_environments(catalog, model)}
    base = variant_of(repository, resolver, model, None, found)
    variants = {o.name: variant_of(repository, resolver, model, o, found) for o in overlays}
    objects = {n: _objects(repository, each, found) for n, each in variants.items() if each}
    base_objects = _objects(repository, base, found) if base else ()
    if variants:
        # Nobody deploys the base: what only environments bring may be missing from it. The overlays
        # then hold their objects whole.
        everywhere = set.intersection(*(set(found[name]) for name in variants))
        found[None] = [
            d for d in found[None] if d.severity != "error" or d.code == "R303" or d in everywhere
        ]
    deployed = [v for name, v in variants.items() if v and objects[name]]
    deployed += [base] if base and base_objects and not variants else []
    policed: list[list[Diagnostic]] = []
    for variant in deployed:
        resources = base_objects if variant.overlay is None else objects[variant.overlay.name]
        held = repository.policies.get(variant.environment, NOTHING)
        broken = judging.judge(variant, resources, held)
        policed.append(brought_in(catalog, model, variant.overlay, broken))
        found[variant.environment] += policed[-1]
    found[None] += [d for d in policed[0] if all(d in e for e in policed)] if policed else []
    named = _locked(catalog, deployed, found) if catalog.lock else []
    all_judged = base is not None and None not in variants.values()
    everything = [each for here in found.values() for each in here] if all_judged else None
    found[None] += misused(model, everything)
    diagnostics = _attributed(found)
    facts = tuple(
        facts_of(variant, objects[name])
        for name, variant in variants.items()
        if variant is not None and objects.get(name)
    )
    if has_errors(diagnostics) or judged_only:
        return Compiled(model.name, None, facts, diagnostics)
    files, trees = _files(repository, header(model.path), base_objects, variants, objects, alone)
    documents = _inputs(resolver, model, overlays)
    known = [*named, *_used(base)] if catalog.lock and base and base_objects else named
    unit = Unit(files, *digest(repository, documents, united_uses(known)))
    configs = {n: variant.configs for n, variant in variants.items() if variant and variant.configs}
    return Compiled(model.name, unit, facts, diagnostics, united_uses(named), trees, configs)


def _files(
    repository: Repository,
    first: str,
    base: Sequence[Resource],
    variants: Mapping[str, Variant | None],
    objects: Mapping[str, Sequence[Resource]],
    alone: Collection[str],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The files of a model's unit, and those of each environment that is wanted alone. `first`:
    their first line."""
    deployed = {name: each for name, each in variants.items() if each is not None}
    places = {name: each.namespace or "" for name, each in deployed.items()}
    files = lay_out(first, base, {n: (places[n], objects[n]) for n in objects})
    brought = {
        name: delivery.model_files(first, site, variant, objects[name])
        for name, variant in deployed.items()
        if (site := repository.sites.get(name)) is not None
    }
    files.update(part for each in brought.values() for part in each.items())
    trees = {
        name: lay_out_alone(first, name, places[name], objects[name]) | brought.get(name, {})
        for name in objects
        if name in alone
    }
    return files, trees


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
            from modelmill.kserve.thin import configs_of

            variant = variant.over(configs_of(resolver, variant))
    except CompileError as fault:
        here.extend(brought_in(repository.catalog, model, overlay, fault.diagnostics))
        return None
    judged = checks.of_variant(variant)
    here.extend(brought_in(repository.catalog, model, overlay, accepted(model, judged)))
    return None if has_errors(here) else variant


def objects_of(repository: Repository, variant: Variant) -> tuple[Resource, ...]:
    """What a variant compiles to: the objects as they are delivered, last-mile patches applied.
    Raises where a patch misses."""
    emitted = emit(variant)
    patched = apply_patches(variant, emitted)
    problems = tuple(judge(variant, emitted, patched))
    if problems:
        raise CompileError(problems)
    # After patches: they may refer to what a pod then waits for, say a wave, or bring a variable.
    return delivery.annotated(_sites_of(repository, variant), variant, patched)


def rendered(repository: Repository, variant: Variant) -> tuple[Resource, ...]:
    """The objects as a cluster will see them, in their namespace."""
    return tuple(place(each, variant.namespace) for each in objects_of(repository, variant))


def brought_by(
    repository: Repository, variant: Variant, resources: Sequence[Resource]
) -> tuple[Resource, ...]:
    """What brings a variant's objects into its environment; nothing where it is not delivered."""
    site = repository.sites.get(variant.environment or "")
    return delivery.model_objects(site, variant, resources) if site is not None else ()


def _sites_of(repository: Repository, variant: Variant) -> list[Site | None]:
    """Where a variant is delivered; of a base, where any environment that takes it is."""
    if variant.overlay is not None:
        return [repository.sites.get(variant.overlay.name)]
    overlays = environments_of(repository.catalog, variant.model) if repository.sites else ()
    return [repository.sites.get(each.name) for each in overlays]


def _objects(
    repository: Repository, variant: Variant, found: dict[str | None, list[Diagnostic]]
) -> tuple[Resource, ...]:
    made: tuple[Resource, ...] = ()
    site = repository.sites.get(variant.environment or "")
    try:
        made = objects_of(repository, variant)
        faults = tuple(delivery.faults(site, variant, made)) if site is not None else ()
    except CompileError as fault:
        faults = fault.diagnostics
    noted = brought_in(repository.catalog, variant.model, variant.overlay, faults)
    found[variant.environment].extend(noted)
    return made


def _locked(
    catalog: Catalog, deployed: Sequence[Variant], found: dict[str | None, list[Diagnostic]]
) -> list[Used]:
    """What variants name; adds to `found` what of it the lock lacks, once where all lack it."""
    from modelmill.locked import missing

    named = _used(*deployed)
    lacking = [
        brought_in(catalog, each.model, each.overlay, missing(each, catalog.lock, names))
        for each, names in zip(deployed, named, strict=True)
    ]
    for variant, mine in zip(deployed, lacking, strict=True):
        for each in mine:
            everywhere = all(each in others for others in lacking)
            found[None if everywhere else variant.environment].append(each)
    return named


def _used(*variants: Variant) -> list[Used]:
    from modelmill.locked import used

    return [used(each) for each in variants]


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


def _inputs(resolver: Resolver, model: Document, overlays: Sequence[Document]) -> list[Document]:
    """Every document a model's output depends on."""
    laid = [resolver.chain(o.record.extends, o) for o in overlays]
    documents = [model, *resolver.chain(model.record.extends, model), *overlays]
    documents += [preset for chain in laid for preset in chain]
    unique = {d.path: d for d in [*documents, *resolver.role_presets(documents)]}
    return [unique[path] for path in sorted(unique)]
