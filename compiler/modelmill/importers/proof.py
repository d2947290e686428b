"""An imported Model, held against what it was imported from.

In: documents and the objects that run. Out: every place where what they compile to differs. Strict:
the order of lists and the spelling of words count, because a change of either replaces pods. Labels
and annotations of an object may be more; those of a pod may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.catalog import Catalog, Document, read_document
from modelmill.catalogues import version_set, version_sets
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.dotted import spell
from modelmill.importers.chart_objects import TOOL_LABELS
from modelmill.pipeline import objects_of, variant_of
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.spec.documents import Paths, ProjectDocument, Versions
from modelmill.syntax import parse
from modelmill.tuples import NamedTuple

Manifest = Mapping[str, Any]
_LEFT_OUT = ("namespace", "creationTimestamp")


class Proof(NamedTuple):
    """What the compiler found of the model, and where its objects differ; None without objects."""

    found: tuple[Diagnostic, ...]
    differences: tuple[str, ...] | None


def prove(path: str, files: Mapping[str, str], expected: Sequence[Manifest]) -> Proof:
    """Compile the Model at `path`, of files by path, without an environment."""
    documents = {
        name: read_document(name, parse(name, text.encode())) for name, text in files.items()
    }
    repository = _repository(documents, files)
    found: dict[str | None, list[Diagnostic]] = {}
    resolver = Resolver(repository.catalog)
    variant = variant_of(repository, resolver, documents[path], None, found)
    if variant is None:
        return Proof(tuple(found[None]), None)
    try:
        actual = [resource.body for resource in objects_of(repository, variant)]
    except CompileError as fault:
        return Proof((*found[None], *fault.diagnostics), None)
    return Proof(tuple(found[None]), tuple(differences(expected, actual)))


def _repository(documents: Mapping[str, Document], files: Mapping[str, str]) -> Repository:
    newest = version_sets()[-1]
    project = ProjectDocument(
        api_version="modelmill.dev/v1alpha1",
        kind="Project",
        metadata=None,
        versions=Versions(set=newest),
        paths=Paths(),
    )
    models = {d.name: d for d in documents.values() if d.kind == "Model"}
    presets = {d.name: d for d in documents.values() if d.kind == "Preset"}
    return Repository(Catalog(project, models, presets, {}), version_set(newest), files, ())


def differences(expected: Sequence[Manifest], actual: Sequence[Manifest]) -> Iterator[str]:
    """One line each: the object, the place in it, what runs and what would."""
    wanted, made = _by_identity(expected), _by_identity(actual)
    for identity in dict.fromkeys((*wanted, *made)):
        label = f"{identity[0]} {identity[1]}"
        if identity not in made:
            yield f"{label} is not made"
        elif identity not in wanted:
            yield f"{label} does not run today"
        else:
            for place, was, now in _between((), wanted[identity], made[identity]):
                yield f"{label}, {spell(place)}: runs with {_shown(was)}, compiles to {_shown(now)}"


def _by_identity(objects: Sequence[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(o["kind"], o["metadata"]["name"]): _normal(o) for o in objects}


def _normal(value: Any) -> Any:
    """Without what is empty, which Kubernetes reads as absent."""
    if isinstance(value, Mapping):
        kept = {str(k): _normal(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if not _is_empty(v)}
    if isinstance(value, list | tuple):
        return [_normal(each) for each in value]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == [] or value == ""


_Difference = tuple[tuple[str | int, ...], Any, Any]


def _between(place: tuple[str | int, ...], was: Any, now: Any) -> Iterator[_Difference]:
    if place == ("metadata",) and isinstance(was, dict) and isinstance(now, dict):
        was, now = ({"labels": {}, "annotations": {}, **each} for each in (was, now))
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            below = (*place, key)
            if not _may_differ(place, key, key in was):
                yield from _between(below, was.get(key), now.get(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        yield from _between_lists(place, was, now)
    elif not _same(place, was, now):
        yield place, was, now


def _between_lists(place: tuple[str | int, ...], was: Any, now: Any) -> Iterator[_Difference]:
    """Entries in another order are one difference; beside it, each is held against its namesake."""
    names = _names(was), _names(now)
    if names[0] != names[1] and sorted(names[0]) == sorted(names[1]):
        yield place, *names
        if len(set(names[0])) == len(names[0]):
            now = [now[names[1].index(name)] for name in names[0]]
    for index, (before, after) in enumerate(zip(was, now, strict=True)):
        yield from _between((*place, index), before, after)


def _names(entries: Sequence[Any]) -> list[str]:
    return [str(each.get("name")) if isinstance(each, dict) else "" for each in entries]


def _may_differ(place: tuple[str | int, ...], key: str, runs: bool) -> bool:
    """What changes no pod and no selection: labels that name a tool, and further labels."""
    if place == ("metadata",) and key in _LEFT_OUT:
        return True
    if place in (("metadata", "labels"), ("metadata", "annotations")):
        return key in TOOL_LABELS or not runs
    return place == () and key == "status"


def _same(place: tuple[str | int, ...], was: Any, now: Any) -> bool:
    if place[-1:] == ("protocol",) and "ports" in place:
        return (was or "TCP") == (now or "TCP")
    amounts = len(place) > 1 and place[-2] in ("limits", "requests", "labels", "matchLabels")
    sized = bool(place) and place[-1] in ("value", "sizeLimit", "number", "cpu", "memory")
    return bool(was == now) or ((amounts or sized) and str(was) == str(now))


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else text[:100] + "…"
