"""What a change does to a model in one environment, beyond its lines.

In: the model there, before and after: objects and sizes of roles, and the edits that reached it.
Out: an Effect: dangers, each with the edits it comes from, restarts, accelerators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelmill import dangers
from modelmill.dangers import Danger, moves
from modelmill.dangers.finding import quoted
from modelmill.dangers.moves import Traffic
from modelmill.manifest_diff import ObjectChange
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.restarts import Restart, restarts, unread
from modelmill.sizes import RoleSize
from modelmill.source_diff import Cause
from modelmill.tuples import NamedTuple

ENTRANCES = frozenset({"HTTPRoute", "InferencePool", "LLMInferenceService", "Service"})
OF_EACH_OBJECT = frozenset(
    {"disruption-budget", "entrance-deleted", "network-isolation", "tls-off"}
)
"""Rules on deleted objects that say nothing more where all of a model is deleted."""
ACCEPTED = "accept"
MOVED = "Environment"
"""Kind of a change that is about all of an environment."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "Certificate": ("tls",),
    "BackendTLSPolicy": ("tls",),
    "ExternalSecret": ("externalSecrets", "auth"),
    "Gateway": ("gateways",),
    "HTTPRoute": ("gateway", "route"),
    "NetworkPolicy": ("networkPolicy",),
    "PersistentVolumeClaim": ("cache", "storage", "volume", "uri"),
    "PodDisruptionBudget": ("podDisruptionBudget",),
    "ResourceClaimTemplate": ("accelerator",),
    "pod-security": ("podSecurity",),
    "name-gone": ("model.name", "adapters", "rewrites"),
    "namespace-deleted": ("namespace", "createNamespace"),
    "environment-moved": ("namespace", "cluster"),
    "port-changed": ("port",),
    "replicas-removed": ("autoscaling",),
    "replicas-returned": ("autoscaling",),
    "scaler-limits": ("autoscaling",),
    "tls-off": ("tls",),
}
"""By kind of object and by rule, words in the path of an edit that a danger can come from."""
_role = regex(r"(?:^|\.)roles\.([^.]+)\.")


class Effect(NamedTuple):
    """What a change does there; `before` and `after` are the sizes of the model's roles."""

    environment: str
    before: tuple[RoleSize, ...] = ()
    after: tuple[RoleSize, ...] = ()
    dangers: tuple[Danger, ...] = ()
    restarts: tuple[Restart, ...] = ()
    traffic: Traffic = Traffic("", "", (), ())


class Sides(NamedTuple):
    """One model in one environment, before and after; `names` are those that requests ask for."""

    objects: tuple[Sequence[Resource], Sequence[Resource]]
    sizes: tuple[tuple[RoleSize, ...], tuple[RoleSize, ...]] = ((), ())
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def effect(
    model: str,
    environment: str,
    sides: Sides,
    changes: Sequence[ObjectChange],
    causes: Sequence[Cause],
) -> Effect:
    before, after = sides.objects
    traffic = moves.moved(model, environment, before, after)
    found = [*_moved(changes), *dangers.judge(before, after), *_unread(before, after, changes)]
    if model and before and not after:
        found = [_deleted(model, before), *(d for d in found if d.rule not in OF_EACH_OBJECT)]
    elif after:
        found += [*_unserved(model, *sides.names), *moves.gone_workloads(traffic)]
    return Effect(
        environment,
        *sides.sizes,
        tuple(each._replace(causes=_of(each, causes)) for each in found),
        tuple(restarts(before, after, changes, sides.sizes[1])),
        traffic,
    )


def accepted(model: str, causes: Iterable[Cause]) -> list[Danger]:
    """Findings that a model accepts from now on; no object tells of them."""
    return [
        Danger(
            "notice",
            "finding-accepted",
            "Model",
            model,
            each.path,
            "a finding is accepted from now on; judge the reason",
            causes=(each,),
        )
        for each in causes
        if each.path.split(".")[0] == ACCEPTED and each.act != "removed"
    ]


def with_moves(effects: Mapping[str, Sequence[Effect]]) -> dict[str, tuple[Effect, ...]]:
    """Effects by model, with what only all of them together tell."""
    judged = moves.judge(each.traffic for several in effects.values() for each in several)
    return {
        model: tuple(
            each._replace(dangers=(*each.dangers, *judged.get((model, each.environment), ())))
            for each in several
        )
        for model, several in effects.items()
    }


def _moved(changes: Sequence[ObjectChange]) -> list[Danger]:
    message = (
        "{} → {}: every object is made anew there; claims and their data stay behind, and both "
        "need accelerators until the old ones are deleted"
    )
    hint = "move traffic before the old objects go, and delete them yourself if nothing prunes them"
    return [
        Danger(
            "danger",
            "environment-moved",
            MOVED,
            moved.name,
            change.path,
            message.format(quoted(change.before), quoted(change.after)),
            hint,
        )
        for moved in changes
        if moved.kind == MOVED
        for change in moved.changes
        # A cluster that gets a name is the one it was.
        if change.before and change.after
    ]


def _deleted(model: str, before: Sequence[Resource]) -> Danger:
    takes = any(each.kind in ENTRANCES for each in before)
    message = "the model is deleted" + (": requests to it fail" if takes else "")
    return Danger("danger" if takes else "notice", "model-deleted", "Model", model, "", message)


def _unserved(model: str, before: Sequence[str], after: Sequence[str]) -> list[Danger]:
    hint = "let clients ask for the new name first: `routing.rewrites` stands for further names"
    message = "requests for {} fail: the model no longer answers to the name"
    return [
        Danger("danger", "name-gone", "Model", model, "", message.format(quoted(name)), hint)
        for name in before
        if name not in after
    ]


def _unread(
    before: Sequence[Resource], after: Sequence[Resource], changes: Sequence[ObjectChange]
) -> list[Danger]:
    message = "{} reads it when it starts, and is not restarted for it"
    return [
        Danger(
            "notice", "not-restarted", "ConfigMap", name, "", message.format(quoted(reader.name))
        )
        for name, reader in unread(before, after, changes)
    ]


def _of(found: Danger, causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """The edits that a danger can come from: whole files, and what is named for its field or kind;
    else those of presets that are extended; else all."""
    if found.rule == "model-deleted":
        return tuple(each for each in causes if each.layer == f"model `{found.name}`")
    last = found.path.rpartition(".")[2]
    words = {last, *WORDS.get(found.kind, ()), *WORDS.get(found.rule, ())} - {""}
    named = [each for each in causes if any(word in each.path for word in words)]
    laid = [each for each in causes if "extends" in each.path or not each.path]
    return tuple(_of_role(found.name, named) or laid or causes)


def _of_role(name: str, causes: Sequence[Cause]) -> list[Cause]:
    """Without edits of roles that are not the object's."""
    roles = [(_role.search(each.path), each) for each in causes]
    return [each for role, each in roles if role is None or name.endswith(role[1])]
