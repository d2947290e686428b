"""What is wrong with one object, whoever made it.

In: an object and the schemas of a cluster. Out: faults, and what could not be judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill import pod_parts
from modelmill.diagnostics import Fix, did_you_mean
from modelmill.regexes import regex
from modelmill.registries import POD_SPECS
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple
from modelmill.validation import cel_rules, metadata, programs, structure
from modelmill.validation.faults import Fault, Path, at, entries
from modelmill.validation.programs.accelerators import is_extended
from modelmill.validation.schemas import Kind, Schemas, superseded

BY_PARTS = frozenset({"containers", "initContainers", "volumeMounts", "volumes"})
"""Lists of a pod whose entries `pod_parts` judges by name."""
HIDING = frozenset({"env", "ports"})
"""Lists of built-in kinds in which a server takes two entries of one key, and warns."""

ABOUT = {"name": "V110", "mount": "V115", "port": "V116", "amount": "V117"}
"""Codes of what `pod_parts` finds."""
HINTS = {
    pod_parts.RENAME: "keep one of them, or rename one",
    pod_parts.DECLARE: "declare it under `volumes` of the pod",
    pod_parts.ELSEWHERE: "keep one of them, or mount one elsewhere",
}
"""What it says to people who write Models, as people who write pods are told."""


_api_version = regex(r"use `([a-z0-9.-]+/v[a-z0-9]+)`")


class Judged(NamedTuple):
    """`unknown`: there is no schema. `unevaluated`: rules that could not be evaluated, and why."""

    faults: tuple[Fault, ...]
    unknown: Kind | None = None
    unevaluated: tuple[cel_rules.Unevaluated, ...] = ()


def judge(
    resource: Resource, schemas: Schemas, *, with_rules: bool = True, with_programs: bool = True
) -> Judged:
    """One object by itself. `with_rules`: by its CRD's; `with_programs`: and what it runs."""
    kind = Kind(resource.api_version, resource.kind)
    schema = schemas.find(kind)
    namespaced = schema.is_namespaced if schema is not None else None
    beside = (
        *_parts(resource),
        *metadata.faults(resource, namespaced),
        *(programs.faults(resource) if with_programs else ()),
    )
    if schema is None:
        if schemas.is_builtin_group(kind):
            return Judged((_not_served(kind, schemas), *beside))
        if superseded(kind):
            beside = (_superseded(kind), *beside)
        return Judged(tuple(beside), kind)
    by_schema = [
        each for each in structure.faults(schema, resource.body) if _counts(resource, each)
    ]
    if schema.is_builtin:
        by_schema = [_only_hidden(each) for each in by_schema]
    # A port that is text has no number for `pod_parts` either.
    mistyped = {each.path[:-1] for each in by_schema if each.code == "V103"}
    found = [*by_schema, *(f for f in beside if f.code != "V116" or f.path not in mistyped)]
    # A rule trusts the types of what it reads.
    if not with_rules or any(each.code in ("V103", "V105") for each in by_schema):
        return Judged(tuple(found))
    told = list(cel_rules.broken(schema, resource.body)) if cel_rules.has_rules(schema) else []
    found += [each for each in told if isinstance(each, Fault)]
    unevaluated = tuple(each for each in told if isinstance(each, cel_rules.Unevaluated))
    return Judged(tuple(found), unevaluated=unevaluated)


def _counts(resource: Resource, fault: Fault) -> bool:
    is_entry = fault.code == "V106" and len(fault.path) > 1
    return not (is_entry and resource.kind in POD_SPECS and fault.path[-2] in BY_PARTS)


def _only_hidden(fault: Fault) -> Fault:
    if fault.code == "V106" and fault.path[-2] in HIDING and BY_PARTS & set(fault.path):
        hint = "keep one of them: the last one counts, and server-side apply refuses both"
        return fault._replace(severity="warning", hint=hint)
    return fault


def _not_served(kind: Kind, schemas: Schemas) -> Fault:
    served = schemas.served(kind)
    message = f"Kubernetes {schemas.kubernetes} has no {kind.kind} in `{kind.api_version}`"
    if served:
        fixes = tuple(Fix(kind.api_version, each) for each in served)
        hint = f"it has `{'` and `'.join(served)}`"
        return Fault("V108", ("apiVersion",), message, hint, fixes=fixes)
    near = schemas.near(kind)
    return Fault("V108", ("kind",), message, did_you_mean(kind.kind, [near] if near else []))


def _superseded(kind: Kind) -> Fault:
    message, instead = f"`{kind.api_version}` {kind.kind} is superseded", superseded(kind)
    named = _api_version.match(instead)
    fixes = (Fix(kind.api_version, named[1]),) if named else ()
    return Fault("V118", ("apiVersion",), message, instead, "warning", fixes=fixes)


def _parts(resource: Resource) -> Iterator[Fault]:
    """Parts of pods that do not fit together."""
    beside = pod_parts.claims_beside(resource)
    for path in POD_SPECS.get(resource.kind, ()):
        spec = at(resource.body, *path)
        if spec is None:
            continue
        for fault in pod_parts.faults({"spec": spec}, beside):
            if fault.about == "amount" and is_extended(fault.paths[0][-1]):
                continue
            place = max((in_lists(spec, each) for each in fault.paths), key=len)
            hint = HINTS.get(fault.hint, fault.hint)
            yield Fault(ABOUT[fault.about], (*path, *place), fault.what, hint)


def in_lists(spec: object, path: tuple[str, ...]) -> Path:
    """A path whose entries of lists stand under their names, as one by their places; the last of
    those with a name, as far as it leads."""
    found: list[str | int] = []
    for segment in path:
        here = at(spec, *found)
        if isinstance(here, list):
            places = [
                place
                for place, each in entries(here)
                if segment
                in (each.get("name"), each.get("mountPath"), str(each.get("containerPort")))
            ]
            if not places:
                break
            found.append(places[-1])
        elif at(spec, *found, segment) is not None:
            found.append(segment)
        else:
            break
    return tuple(found)
