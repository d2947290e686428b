"""Objects whose deletion takes more with them than themselves."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.dangers.finding import Danger, at, danger
from modelmill.resource import Resource

ADOPTS = "keep the object out of pruning until what needs it has moved"
CONSEQUENCES = {
    "PersistentVolumeClaim": (
        "claim-deleted",
        "it is deleted, and with it its volume's data where the reclaim policy is Delete",
        "keep the claim, or set its volume's reclaim policy to Retain first",
    ),
    "PersistentVolume": ("claim-deleted", "it is deleted: claims bound to it lose their data", ""),
    "Namespace": (
        "namespace-deleted",
        "it is deleted, and everything in it with it, claims and what others put there included",
        "move or keep its claims first; `createNamespace: false` leaves the Namespace alone",
    ),
    "ExternalSecret": (
        "secret-deleted",
        "the Secret it makes is deleted: pods that read it do not start again",
        "merge this after the last model that uses the Secret is changed",
    ),
    "Secret": ("secret-deleted", "it is deleted: pods that read it do not start again", ""),
    "CustomResourceDefinition": (
        "definition-deleted",
        "it is deleted, and every object of its kind in the cluster with it",
        "",
    ),
}


def judge_removed(old: Resource) -> Iterable[Danger]:
    rule, message, hint = CONSEQUENCES.get(old.kind, ("", "", ""))
    if old.kind == "ExternalSecret":
        policy = at(old.body, "spec", "target", "deletionPolicy")
        creation = at(old.body, "spec", "target", "creationPolicy")
        if policy == "Retain" and creation in ("Orphan", "Merge", "None"):
            return
    if rule:
        yield danger(rule, old, "", _kept(old) + message, hint)


def _kept(old: Resource) -> str:
    """What keeps a protected object for now, before what happens to it in the end."""
    options = at(old.body, "metadata", "annotations", "argocd.argoproj.io/sync-options")
    if "Prune=confirm" in str(options):
        return "Argo CD waits for consent to delete it; then "
    if at(old.body, "metadata", "annotations", "kustomize.toolkit.fluxcd.io/prune") == "disabled":
        return "Flux leaves it until somebody deletes it; then "
    return ""
