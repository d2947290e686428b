"""The whole repository: all models through the corridor, and what is said of them together.

In: a Repository, or what each of its models compiled to. Out: a Compilation: every unit of
generated/ as text, and every finding. Pure, and the same for one process or many; reading and
writing are its callers'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from modelmill import checks
from modelmill.catalog import Document
from modelmill.chains import UNREAD
from modelmill.checks.facts import Facts
from modelmill.coverage import Roster, coverage, known
from modelmill.delivery.collisions import Named, models_collide
from modelmill.diagnostics import Diagnostic, has_errors, tidy
from modelmill.filetree import ENVIRONMENTS, Unit
from modelmill.inherited import united
from modelmill.pins import Used, united_uses
from modelmill.pipeline import Compiled, compile_model
from modelmill.policies.project import of_project, secrets
from modelmill.policies.settings import NOTHING
from modelmill.record import EMPTY
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.secret_scan import findings, without_repeats
from modelmill.tuples import NamedTuple
from modelmill.variant import BaseConfig


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


def judge_models(repository: Repository, models: Collection[str]) -> tuple[Diagnostic, ...]:
    """The findings that compiling these models would have."""
    catalog, resolver = repository.catalog, Resolver(repository.catalog)
    chosen = (model for model in catalog.models.values() if model.name in models)
    compiled = [compile_model(repository, resolver, m, judged_only=True) for m in chosen]
    return _together(repository, compiled).diagnostics


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

    def work(model: Document, resolver: Resolver) -> Compiled:
        compiled = compile_model(repository, resolver, model, alone)
        resolver.forget()
        return compiled

    compiled = map_models(work, lambda: Resolver(catalog), chosen, jobs, seen)
    made = _together(repository, compiled, is_whole=models is None)
    return made._replace(alone={name: _alone(name, compiled, made.units) for name in alone})


def _together(
    repository: Repository, compiled: Sequence[Compiled], *, is_whole: bool = False
) -> Compilation:
    stray = (found for path, text in repository.texts.items() for found in findings(path, text))
    roster = {n: known(repository.catalog, m) for n, m in repository.catalog.models.items()}
    return together(repository, compiled, roster, stray, is_whole=is_whole)


def together(
    repository: Repository,
    compiled: Sequence[Compiled],
    roster: Roster,
    stray: Iterable[Diagnostic],
    *,
    is_whole: bool,
) -> Compilation:
    """What models compiled to as one; where `is_whole`, with the units of environments and what is
    said of the whole repository. `roster` has all models; `stray` are secrets' values in files."""
    own = [d for each in compiled for d in each.diagnostics]
    more, units, used = of_all(repository, compiled, roster, stray, own, is_whole=is_whole)
    units.update({each.model: each.unit for each in compiled if each.unit is not None})
    facts = tuple(each for model in compiled for each in model.facts)
    found = as_told([*repository.problems, *own, *more])
    return Compilation(dict(sorted(units.items())), found, used, EMPTY, facts)


def of_all(
    repository: Repository,
    compiled: Sequence[Compiled],
    roster: Roster,
    stray: Iterable[Diagnostic],
    own: Sequence[Diagnostic],
    *,
    is_whole: bool,
) -> tuple[list[Diagnostic], dict[str, Unit], Used]:
    """What is said of models together, the units of environments, and what all deploy that a lock
    may pin. `own`: what is said of each model."""
    catalog, held = repository.catalog, repository.policies
    facts = [each for model in compiled for each in model.facts]
    found = list(checks.of_fleet(facts))
    placed = (Named(each.model, each.environment, each.model_span) for each in facts)
    found += models_collide(repository.sites, placed)
    found += of_project(catalog, roster, held)
    found += secrets(stray, repository.texts, held.get(None, NOTHING))
    named = [each.used for each in compiled]
    units: dict[str, Unit] = {}
    if is_whole:
        from modelmill.environments import environment_units
        from modelmill.locked import other_versions, unused

        found += coverage(catalog, roster, facts, repository.sites)
        found += checks.of_environments(catalog.overlays.values())
        units, theirs = environment_units(repository, _configs(compiled))
        named += theirs
        found += other_versions(catalog.lock, repository.versions)
        if not has_errors([*repository.problems, *own, *found]):
            found += unused(catalog.lock, united_uses(named))
    return found, units, united_uses(named)


def as_told(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in order, each once. Where a file could not be read its own faults say why."""
    return tidy(without_repeats(d for d in united(found) if d.code != UNREAD))


def _configs(compiled: Iterable[Compiled]) -> dict[str, dict[str, BaseConfig]]:
    """The configurations under the models' resources of KServe, by environment and name."""
    found: dict[str, dict[str, BaseConfig]] = {}
    for model in compiled:
        for environment, configs in model.configs.items():
            found.setdefault(environment, {}).update((each.name, each) for each in configs)
    return found


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
