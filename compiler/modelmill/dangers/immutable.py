"""Fields that an API server, or the webhook of a kind, refuses to change on an object that exists.

Sources: kubernetes/kubernetes pkg/apis/*/validation (ValidateUpdate of each kind);
kubernetes-sigs/lws pkg/webhooks/leaderworkerset_webhook.go; CEL rules of Gateway API's CRDs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.dangers.finding import Danger, api_group, at, danger, quoted
from modelmill.patch import same
from modelmill.quantities import amount
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

RENAME = "give the object another name, or delete the one that runs before this is synced"
ORPHAN = (
    "delete the object before this is synced, with `--cascade=orphan` to keep its pods, or leave "
    "the field as it is"
)
DATA = "a claim with another name gets a volume of its own; the data stays with the old one"


class Fixed(NamedTuple):
    """What of a kind never changes: `paths`, each without what `but` names below it."""

    paths: tuple[tuple[str, ...], ...]
    hint: str = RENAME
    but: tuple[tuple[str, ...], ...] = ()


SPEC = (("spec",),)
STORAGE = ("resources", "requests", "storage")
FIXED: Mapping[tuple[str, str], Fixed] = {
    ("apps", "Deployment"): Fixed((("spec", "selector"),), ORPHAN),
    ("apps", "ReplicaSet"): Fixed((("spec", "selector"),), ORPHAN),
    ("apps", "DaemonSet"): Fixed((("spec", "selector"),), ORPHAN),
    ("apps", "StatefulSet"): Fixed(
        SPEC,
        ORPHAN,
        (
            ("minReadySeconds",),
            ("ordinals",),
            ("persistentVolumeClaimRetentionPolicy",),
            ("replicas",),
            ("revisionHistoryLimit",),
            ("template",),
            ("updateStrategy",),
        ),
    ),
    ("batch", "Job"): Fixed(
        tuple(
            ("spec", name)
            for name in (
                "backoffLimitPerIndex",
                "completionMode",
                "completions",
                "managedBy",
                "podFailurePolicy",
                "selector",
                "successPolicy",
                "template",
            )
        )
    ),
    ("", "PersistentVolumeClaim"): Fixed(SPEC, DATA, (STORAGE, ("volumeAttributesClassName",))),
    ("", "PersistentVolume"): Fixed(
        tuple(("spec", name) for name in ("csi", "hostPath", "local", "nfs", "volumeMode"))
    ),
    ("", "Service"): Fixed((("spec", "clusterIP"), ("spec", "loadBalancerClass"))),
    ("", "Secret"): Fixed((("type",),)),
    ("resource.k8s.io", "ResourceClaim"): Fixed(SPEC),
    ("resource.k8s.io", "ResourceClaimTemplate"): Fixed(SPEC),
    ("storage.k8s.io", "StorageClass"): Fixed(
        (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",))
    ),
    ("rbac.authorization.k8s.io", "RoleBinding"): Fixed((("roleRef",),)),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): Fixed((("roleRef",),)),
    ("scheduling.k8s.io", "PriorityClass"): Fixed((("value",), ("preemptionPolicy",))),
    ("gateway.networking.k8s.io", "GatewayClass"): Fixed((("spec", "controllerName"),)),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): Fixed(
        (("spec", "leaderWorkerTemplate", "subGroupPolicy", "subGroupSize"),)
    ),
}
IMMUTABLE_DATA = (("data",), ("binaryData",), ("immutable",))
"""Of a ConfigMap or Secret with `immutable: true`."""


def judge(old: Resource, new: Resource) -> Iterable[Danger]:
    key = (api_group(new), new.kind)
    fixed = FIXED.get(key)
    if fixed is not None:
        for path in _changed(fixed, old.body, new.body):
            yield _refused(new, path, fixed.hint)
    if key == ("", "PersistentVolumeClaim"):
        yield from _smaller(old, new)
    if key[1] in ("ConfigMap", "Secret") and old.body.get("immutable") is True:
        for path in _changed(Fixed(IMMUTABLE_DATA), old.body, new.body):
            yield _refused(new, path, RENAME)


def _refused(new: Resource, path: str, hint: str) -> Danger:
    message = "the field cannot be changed on an object that exists: the sync fails"
    return danger("immutable-field", new, path, message, hint)


def _changed(fixed: Fixed, old: Any, new: Any) -> Iterator[str]:
    for path in fixed.paths:
        sides = [_without(at(side, *path), fixed.but) for side in (old, new)]
        if not same(sides[0], sides[1]):
            yield ".".join((*path, *_narrowed(sides[0], sides[1])))


def _without(value: Any, paths: Iterable[tuple[str, ...]]) -> Any:
    for path in paths:
        value = _less(value, path)
    return value


def _less(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: each for key, each in value.items() if key != path[0]}
    return {**value, path[0]: _less(value[path[0]], path[1:])}


def _narrowed(old: Any, new: Any) -> tuple[str, ...]:
    """The one key down to which two values differ."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ()
    keys = [key for key in (old | new) if not same(old.get(key), new.get(key))]
    if len(keys) != 1 or "." in keys[0]:
        return ()
    return (keys[0], *_narrowed(old.get(keys[0]), new.get(keys[0])))


def _smaller(old: Resource, new: Resource) -> Iterator[Danger]:
    sizes = [at(side.body, "spec", *STORAGE) for side in (old, new)]
    try:
        before, after = (amount(str(each)) for each in sizes)
    except ValueError:
        return
    if after < before:
        change = f"{quoted(sizes[0])} → {quoted(sizes[1])}"
        message = f"{change}: a claim can grow and never shrink, so the sync fails"
        yield danger("immutable-field", new, ".".join(("spec", *STORAGE)), message, DATA)
