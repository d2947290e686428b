"""The corridor, as one list: parse → index → resolve → decode → check → emit → lay out.

In: what `sources` read. Out: a Compilation: every unit of generated/ as text, and every finding.
Pure, and the same for one process or many; reading and writing are its callers'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from modelmill import delivery
from modelmill.accepted import accepted, misused
from modelmill.catalog import Catalog, Document
from modelmill.chains import UNREAD
from modelmill.checks import ENVIRONMENT_CHECKS, FLEET_CHECKS, VARIANT_CHECKS
from modelmill.checks.facts import Facts, facts_of
from modelmill.coverage import coverage
from modelmill.delivery.collisions import Named, models_collide
from modelmill.delivery.sites import Site
from modelmill.diagnostics import CompileError, Diagnostic, Note, has_errors, tidy
from modelmill.emitted import judge
from modelmill.environments import environment_units
from modelmill.inherited import brought_in, united
from modelmill.kinds import emit
from modelmill.kserve.thin import configs_of
from modelmill.layout import lay_out, lay_out_alone, place
from modelmill.locked import missing, other_versions, unused, used
from modelmill.output import ENVIRONMENTS, Unit
from modelmill.patches import apply_patches
from modelmill.pins import Used, united_uses
from modelmill.policies import judging
from modelmill.policies.project import of_project, secrets
from modelmill.policies.settings import NOTHING
from modelmill.record import EMPTY
from modelmill.repository import Repository, digest, header
from modelmill.resolve import Resolver, environments_of, unknown_environments
from modelmill.resource import Resource
from modelmill.secret_scan import without_repeats
from modelmill.variant import Variant, decode


class Compiled(NamedTuple):
    """One model: its unit (None if it has errors), what it is known by, what was found, what it
    deploys that a lock may pin, and its files by environment where one is wanted alone."""

    model: str
    unit: Unit | None
    facts: tuple[Facts, ...]
    diagnostics: tuple[Diagnostic, ...]
    used: Used = Used()
    alone: Mapping[str, Mapping[str, str]] = EMPTY


class Compilation(NamedTuple):
    """Everything: units by name, all findings in order, what is deployed that a lock may pin (of
    the whole repository; else of the models named), and what the models are known by.

    alone   of each environment that was wanted alone, the files of its branch by path below
            generated/: its overlays, which stand on no base, what brings them in, and its own unit
    """

    units: Mapping[str, Unit]
    diagnostics: tuple[Diagnostic, ...]
    used: Used = Used()
    alone: Mapping[str, Mapping[str, str]] = EMPTY
    facts: tuple[Facts, ...] = ()


def compile_repository(
    repository: Repository,
    models: Collection[str] | None = None,
    jobs: int = 1,
    seen: Callable[[int, int], None] | None = None,
    alone: Collection[str] = (),
) -> Compilation:
    """Compile all models, or those named, and what their environments own. `seen` is told how many
    of how many models are done; `alone` names environments whose files are wanted without a base
    too, which all models must be compiled for."""
    from modelmill.workers import map_models

    catalog = repository.catalog
    chosen = [m for m in catalog.models.values() if models is None or m.name in models]
    compiled = map_models(
        lambda model, resolver: compile_model(repository, resolver, model, alone),
        lambda: Resolver(catalog),
        chosen,
        jobs,
        seen,
    )
    found = [*repository.problems, *(d for each in compiled for d in each.diagnostics)]
    facts = [each for model in compiled for each in model.facts]
    found += [diagnostic for rule in FLEET_CHECKS for diagnostic in rule.check(facts)]
    placed = (Named(each.model, each.environment, each.model_span) for each in facts)
    found += models_collide(repository.sites, placed)
    found += of_project(catalog, repository.policies)
    found += secrets(repository.texts, repository.policies.get(None, NOTHING))
    units = {each.model: each.unit for each in compiled if each.unit is not None}
    named = [each.used for each in compiled]
    if models is None:
        found += coverage(catalog, facts, repository.sites)
        overlays = catalog.overlays.values()
        found += [d for rule in ENVIRONMENT_CHECKS for o in overlays for d in rule.check(o)]
        environments, own = environment_units(repository)
        units.update(environments)
        named += own
        found += other_versions(catalog.lock, repository.versions)
        found += unused(catalog.lock, united_uses(named)) if not has_errors(found) else ()
    # Where a file could not be read its own faults say why, once.
    found = without_repeats(d for d in united(found) if d.code != UNREAD)
    trees = {name: _alone(name, compiled, units) for name in alone}
    ordered = dict(sorted(units.items()))
    return Compilation(ordered, tidy(found), united_uses(named), trees, tuple(facts))


def compile_model(
    repository: Repository, resolver: Resolver, model: Document, alone: Collection[str] = ()
) -> Compiled:
    """One model through the corridor: its base and every environment that takes it."""
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
    if has_errors(diagnostics):
        return Compiled(model.name, None, facts, diagnostics)
    first, namespaces = header(model.path), {o.name: o.record.namespace for o in overlays}
    files = lay_out(first, base_objects, {n: (namespaces[n], objects[n]) for n in objects})
    brought = {
        name: delivery.model_files(first, site, variant, objects[name])
        for name, variant in variants.items()
        if variant is not None and (site := repository.sites.get(name)) is not None
    }
    files.update(part for each in brought.values() for part in each.items())
    trees = {
        name: lay_out_alone(first, name, namespaces[name], objects[name]) | brought.get(name, {})
        for name in objects
        if name in alone
    }
    documents = _inputs(resolver, model, overlays)
    known = [*named, used(base)] if catalog.lock and base and base_objects else named
    unit = Unit(files, *digest(repository, documents, united_uses(known)))
    return Compiled(model.name, unit, facts, diagnostics, united_uses(named), trees)


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


def _alone(
    environment: str, compiled: Sequence[Compiled], units: Mapping[str, Unit]
) -> dict[str, str]:
    """The files of an environment's branch."""
    own = f"{ENVIRONMENTS}/{environment}"
    found = {f"{own}/{path}": text for path, text in units[own].files.items()}
    for each in compiled:
        files = each.alone.get(environment, {})
        found.update({f"{each.model}/{path}": text for path, text in files.items()})
    return dict(sorted(found.items()))


def _locked(
    catalog: Catalog, deployed: Sequence[Variant], found: dict[str | None, list[Diagnostic]]
) -> list[Used]:
    """What variants name; adds to `found` what of it the lock lacks, once where all lack it."""
    named = [used(variant) for variant in deployed]
    lacking = [
        brought_in(catalog, each.model, each.overlay, missing(each, catalog.lock, names))
        for each, names in zip(deployed, named, strict=True)
    ]
    for variant, mine in zip(deployed, lacking, strict=True):
        for each in mine:
            everywhere = all(each in others for others in lacking)
            found[None if everywhere else variant.environment].append(each)
    return named


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
