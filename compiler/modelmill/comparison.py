"""Two states of a repository, compiled and compared.

In: both, indexed. Out: a Comparison: per model and environment which objects differ, which lines
made them, and what that does. A model none of whose inputs differ is not compiled at all. Never:
reading or printing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from modelmill.catalog import Document
from modelmill.chains import UNREAD
from modelmill.diagnostics import Diagnostic, tidy
from modelmill.effects import MOVED, Effect, Sides, accepted, effect, with_moves
from modelmill.inherited import united
from modelmill.manifest_diff import Act, Change, ObjectChange, compare
from modelmill.pins import LOCK
from modelmill.redaction import literals
from modelmill.repository import Repository
from modelmill.sides import NOWHERE, Side
from modelmill.source_diff import Cause, causes, reached
from modelmill.sources import PROJECT
from modelmill.tree import plain
from modelmill.tuples import NamedTuple
from modelmill.workers import map_models

OF_ENVIRONMENTS = ("createNamespace", "externalSecrets", "podSecurity", "podSecurityExemptions")
"""Fields of an overlay that change what the environment owns, never a model."""
FOR_MODELS = ("extends", "metadata", "patches", "selector", "target")
"""Fields of an overlay that change models, never what the environment itself owns."""


class Part(NamedTuple):
    """Environments in which the same objects change in the same way."""

    environments: tuple[str, ...]
    objects: tuple[ObjectChange, ...]


class ModelChange(NamedTuple):
    """One model; without a name, what the environments themselves own."""

    model: str
    act: Act
    parts: tuple[Part, ...]
    causes: tuple[Cause, ...]
    effects: tuple[Effect, ...] = ()


class Comparison(NamedTuple):
    """What differs, and what kept each side from being compiled."""

    models: tuple[ModelChange, ...]
    before: tuple[Diagnostic, ...] = ()
    after: tuple[Diagnostic, ...] = ()


class _Compared(NamedTuple):
    """One model compared, and what was wrong on each side."""

    change: ModelChange | None = None
    before: tuple[Diagnostic, ...] = ()
    after: tuple[Diagnostic, ...] = ()


def compare_repositories(
    before: Repository | None,
    after: Repository,
    models: Collection[str] = (),
    environment: str | None = None,
    jobs: int = 1,
) -> Comparison:
    """Everything, or only some models or one environment. No repository before: all is new."""
    old, new = Side(before), Side(after)
    every = {**old.models, **new.models}
    compared = map_models(
        lambda model, sides: _compared(model.name, environment, *sides),
        lambda: (Side(before), Side(after)),
        [every[name] for name in sorted(models or every)],
        jobs,
    )
    found = [] if models else _environments(old, new, environment)
    changed = [*found, *(each.change for each in compared if each.change is not None)]
    effects = with_moves({each.model: each.effects for each in changed})
    return Comparison(
        tuple(each._replace(effects=effects[each.model]) for each in changed),
        _errors([*old.problems, *(d for each in compared for d in each.before)]),
        _errors([*new.problems, *(d for each in compared for d in each.after)]),
    )


def _compared(name: str, environment: str | None, old: Side, new: Side) -> _Compared:
    texts = old.texts(name)
    if texts is not None and texts == new.texts(name):
        return _Compared()
    found = _model(name, environment, old, new)
    return _Compared(found, tuple(old.taken()), tuple(new.taken()))


def _errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without those that only say that another file has errors: its own say which."""
    return tidy(d for d in united(diagnostics) if d.severity == "error" and d.code != UNREAD)


def _model(name: str, environment: str | None, before: Side, after: Side) -> ModelChange | None:
    old, new = before.state(name, environment), after.state(name, environment)
    paths = old.inputs | new.inputs
    files = [{p: s.documents[p] for p in paths & s.documents.keys()} for s in (before, after)]
    if old.lock is not None and new.lock is not None:
        files = [{**files[0], LOCK: old.lock}, {**files[1], LOCK: new.lock}]
    bodies = [r.body for s in (old, new) for rs in s.objects.values() for r in rs]
    secrets = literals([*bodies, *(plain(d.node) for each in files for d in each.values())])
    names = sorted(old.objects.keys() | new.objects.keys())
    changes = {n: compare(old.objects.get(n, ()), new.objects.get(n, ()), secrets) for n in names}
    parts = _parts(changes)
    places = reached((old.trees.get(n), new.trees.get(n)) for n in names)
    found = causes(files[0], files[1], places, secrets)
    edits = tuple(each for each in found if each.path.partition(".")[0] not in OF_ENVIRONMENTS)
    act: Act = "added" if not old.objects else "removed" if not new.objects else "changed"
    if (name in before.models) != (name in after.models):
        # Beside a file that comes or goes, edits of what it would have built on explain nothing.
        edits = tuple(cause for cause in edits if not cause.path)
    others = {each.path: e for s in (before, after) for e, each in s.overlays.items()}
    effects = []
    for each in (each for each in names if each != NOWHERE):
        sides = Sides(
            (old.objects.get(each, ()), new.objects.get(each, ())),
            (old.sizes.get(each, ()), new.sizes.get(each, ())),
            (old.names.get(each, ()), new.names.get(each, ())),
        )
        here = [cause for cause in edits if _is_in(each, cause, others)]
        effects.append(effect(name, each, sides, changes[each], here))
    noted = accepted(name, edits) if act == "changed" else []
    if not parts and not noted:
        return None
    effects = [each._replace(dangers=(*each.dangers, *noted)) for each in effects]
    return ModelChange(name, act, parts, edits, tuple(effects))


def _is_in(environment: str, cause: Cause, overlays: Mapping[str, str]) -> bool:
    """Whether an edit is of this environment: not of another's file, nor of an entry for it."""
    if overlays.get(cause.file, environment) != environment:
        return False
    first, _, rest = cause.path.partition(".")
    return first != "environments" or f"{rest}.".startswith(f"{environment}.")


def _parts(changes: Mapping[str, tuple[ObjectChange, ...]]) -> tuple[Part, ...]:
    """Environments with equal changes together, in order of the first."""
    parts: list[Part] = []
    for name, objects in changes.items():
        equal = next((i for i, part in enumerate(parts) if part.objects == objects), None)
        if equal is not None:
            parts[equal] = Part((*parts[equal].environments, name), objects)
        elif objects:
            parts.append(Part((name,), objects))
    return tuple(parts)


def _environments(old: Side, new: Side, environment: str | None) -> list[ModelChange]:
    """What environments own themselves, as one entry without a model's name."""
    names = sorted(old.overlays.keys() | new.overlays.keys())
    changes = {}
    documents = [{p: d for p, d in s.documents.items() if p == PROJECT} for s in (old, new)]
    for name in names if environment is None else [environment]:
        pair = old.overlays.get(name), new.overlays.get(name)
        objects = compare(old.environment(name), new.environment(name), ())
        changes[name] = (*_moved(*pair), *objects)
        if changes[name]:
            for held, overlay in zip(documents, pair, strict=True):
                held.update({overlay.path: overlay} if overlay is not None else {})
    parts = _parts(changes)
    if not parts:
        return []
    found = causes(documents[0], documents[1], set(), ())
    own = tuple(each for each in found if _is_of_environments(each))
    others = {each.path: e for s in (old, new) for e, each in s.overlays.items()}
    effects = []
    for name in (name for part in parts for name in part.environments):
        sides = Sides((old.environment(name), new.environment(name)))
        here = [cause for cause in own if _is_in(name, cause, others)]
        told = effect("", name, sides, changes[name], here)
        effects.append(told)
    return [ModelChange("", "changed", parts, own, tuple(effects))]


def _is_of_environments(cause: Cause) -> bool:
    first = cause.path.partition(".")[0]
    return first in ("delivery", "versions") if cause.file == PROJECT else first not in FOR_MODELS


def _moved(old: Document | None, new: Document | None) -> Sequence[ObjectChange]:
    """An environment whose objects all move to another namespace, or to another cluster."""
    if old is None or new is None:
        return ()
    changes = tuple(
        Change("changed", field, was, now)
        for field in ("namespace", "cluster")
        if (was := getattr(old.record, field)) != (now := getattr(new.record, field))
    )
    return (ObjectChange("changed", MOVED, new.name, changes),) if changes else ()
