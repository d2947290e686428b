"""`pods`: what pods do without, and what keeps their replicas up, beyond Pod Security Standards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.policies.broken import Broken, Pods, entries, mapping
from modelmill.resource import Resource

NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})


def with_token(pods: Pods, beside: Sequence[Resource]) -> Iterator[Broken]:
    """An account that a role is bound to is there for its token."""
    account = str(pods.spec.get("serviceAccountName") or "default")
    own = pods.spec.get("automountServiceAccountToken")
    accounts = [r.body for r in beside if (r.kind, r.name) == ("ServiceAccount", account)]
    given = own if own is not None else next(iter(accounts), {}).get("automountServiceAccountToken")
    if given is False or any(_binds(each, account) for each in beside if each.kind in BINDINGS):
        return
    what = "its pods get a token of the API, which no role is bound to"
    hint = "set `automountServiceAccountToken: false`"
    path = ("automountServiceAccountToken",)
    yield Broken("pods.serviceAccountToken", what, hint, path, pods.part)


def writable(pods: Pods) -> Iterator[Broken]:
    for path, container in pods.containers():
        if mapping(container.get("securityContext")).get("readOnlyRootFilesystem") is not True:
            what = f"`{path[1]}` may write to its root file system"
            hint = "set `readOnlyRootFilesystem: true`, and an emptyDir where it must write"
            place = (*path, "securityContext", "readOnlyRootFilesystem")
            yield Broken("pods.rootFilesystem", what, hint, place, pods.part)


def on_the_node(pods: Pods) -> Iterator[Broken]:
    for field in NAMESPACES:
        if pods.spec.get(field):
            what = f"`{field}` shares a namespace of the node"
            yield Broken("pods.hostNamespaces", what, "take it out", (field,), pods.part)


def undisrupted(pods: Pods, beside: Sequence[Resource]) -> Iterator[Broken]:
    if not _is_replicated(pods.owner, beside):
        return
    budgets = [each.body for each in beside if each.kind == "PodDisruptionBudget"]
    selectors = [mapping(mapping(each.get("spec")).get("selector")) for each in budgets]
    if not any(_selects(each, pods.labels) for each in selectors):
        what = "it has more than one replica, and no PodDisruptionBudget"
        hint = "add one; `podDisruptionBudget` of a role makes it"
        yield Broken("pods.disruptionBudgets", what, hint, (), pods.part)


def together(pods: Pods, beside: Sequence[Resource]) -> Iterator[Broken]:
    affinity = mapping(mapping(pods.spec.get("affinity")).get("podAntiAffinity"))
    is_apart = pods.spec.get("topologySpreadConstraints") or any(affinity.values())
    if _is_replicated(pods.owner, beside) and not is_apart:
        what = "it has more than one replica, and nothing keeps them on different nodes"
        hint = "set `topologySpreadConstraints` of its pod"
        yield Broken("pods.spread", what, hint, ("topologySpreadConstraints",), pods.part)


def _is_replicated(owner: Resource, beside: Sequence[Resource]) -> bool:
    """Whether there is, or may be, more than one of its pods; a group is one replica of a model."""
    if owner.kind not in REPLICATED:
        return False
    replicas = mapping(owner.body.get("spec")).get("replicas")
    return (isinstance(replicas, int) and replicas > 1) or any(
        _scales(each.body, owner) for each in beside if each.kind in SCALERS
    )


def _scales(scaler: Mapping[str, Any], owner: Resource) -> bool:
    spec = mapping(scaler.get("spec"))
    target = mapping(spec.get("scaleTargetRef"))
    most = spec.get("maxReplicas", spec.get("maxReplicaCount", 0))
    is_own = (target.get("kind", "Deployment"), target.get("name")) == (owner.kind, owner.name)
    return is_own and isinstance(most, int) and most > 1


def _binds(binding: Resource, account: str) -> bool:
    subjects = entries(binding.body.get("subjects"))
    return any((s.get("kind"), s.get("name")) == ("ServiceAccount", account) for s in subjects)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    wanted = mapping(selector.get("matchLabels"))
    return bool(wanted) and wanted.items() <= labels.items()
