"""Pods and what they name: their own labels, ports, accounts, claims, ConfigMaps and Secrets.

In: the objects of a set. Out: faults. A name that is nowhere in the set may be in the cluster
already; one that is nearly that of an object of the set is a slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import did_you_mean
from modelmill.resource import Resource
from modelmill.validation.faults import Fault, Path, at, entries, mapping
from modelmill.validation.references.objects import (
    CLAIMS,
    Between,
    Objects,
    Pods,
    listed,
    matches,
    meets,
    namespace_of,
    told,
)

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
SELECTING = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})
DEFAULT_ACCOUNT = "default"


def faults(objects: Objects) -> Iterator[Between]:
    for pods in objects.pods:
        for fault in (*_own_labels(pods), *_probes(pods), *_unmounted(pods)):
            yield pods.owner, fault
        for fault in _named(objects, pods):
            yield pods.owner, fault
    yield from _shared_selectors(objects)


def _own_labels(pods: Pods) -> Iterator[Fault]:
    """A workload that does not select the pods of its own template is refused."""
    selector = at(pods.owner.body, "spec", "selector")
    if pods.owner.kind in SELECTING and selector is not None and not matches(selector, pods.labels):
        message = (
            f"the selector does not take the workload's own pods, which have {told(pods.labels)}"
        )
        yield Fault("V200", ("spec", "selector"), message, "give both the same labels", at_key=True)


def _shared_selectors(objects: Objects) -> Iterator[Between]:
    """Two workloads that take each other's pods."""
    for index, pods in enumerate(objects.pods):
        if pods.owner.kind not in SELECTING:
            continue
        for other in objects.pods[:index]:
            is_other = other.owner is not pods.owner and other.owner.kind in SELECTING
            if is_other and meets(pods.namespace, other.namespace) and _takes_both(pods, other):
                message = (
                    f"{pods.owner.kind} `{pods.owner.name}` and {other.owner.kind} "
                    f"`{other.owner.name}` select each other's pods"
                )
                hint = "give each a label of its own, in its selector and on its pods"
                yield (
                    pods.owner,
                    Fault("V201", ("spec", "selector"), message, hint, "warning", True),
                )


def _takes_both(one: Pods, other: Pods) -> bool:
    selectors = [at(each.owner.body, "spec", "selector") for each in (one, other)]
    taken = ((selectors[0], other.labels), (selectors[1], one.labels))
    return all(selector is not None and matches(selector, labels) for selector, labels in taken)


def _probes(pods: Pods) -> Iterator[Fault]:
    for path, container in pods.containers():
        names = [str(p.get("name")) for _, p in entries(container.get("ports")) if p.get("name")]
        for probe in PROBES:
            for way in ("httpGet", "tcpSocket"):
                port = at(container, probe, way, "port")
                if isinstance(port, str) and not port.isdigit() and port not in names:
                    message = f"`{probe}` asks the port `{port}`, which the container does not have"
                    hint = did_you_mean(port, names) or f"it has {listed(names) or 'no named port'}"
                    yield Fault("V202", (*path, probe, way, "port"), message, hint)


def _unmounted(pods: Pods) -> Iterator[Fault]:
    """Volumes that no container has."""
    used = {
        mount.get("name")
        for _, container in pods.containers()
        for key in ("volumeMounts", "volumeDevices")
        for _, mount in entries(container.get(key))
    }
    for place, volume in entries(pods.spec.get("volumes")):
        if volume.get("name") not in used:
            message = f"no container mounts the volume `{volume.get('name')}`"
            path = (*pods.path, "spec", "volumes", place)
            yield Fault("V203", path, message, "mount it, or take it out", "warning")


def _named(objects: Objects, pods: Pods) -> Iterator[Fault]:
    """Objects that pods name."""
    spec: Path = (*pods.path, "spec")
    account = pods.spec.get("serviceAccountName")
    if account not in (None, "", DEFAULT_ACCOUNT):
        yield from _slip(objects, pods, "ServiceAccount", account, (*spec, "serviceAccountName"))
    for place, volume in entries(pods.spec.get("volumes")):
        yield from _volume(objects, pods, volume, (*spec, "volumes", place))
    for path, container in pods.containers():
        for place, variable in entries(container.get("env")):
            for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                found = at(variable, "valueFrom", key)
                if isinstance(found, Mapping):
                    where = (*path, "env", place, "valueFrom", key)
                    yield from _keyed(objects, pods, kind, found, where)
        for place, source in entries(container.get("envFrom")):
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                named = mapping(source.get(key))
                if named and not named.get("optional"):
                    where = (*path, "envFrom", place, key, "name")
                    yield from _slip(objects, pods, kind, named.get("name"), where)


def _volume(objects: Objects, pods: Pods, volume: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    claim = at(volume, "persistentVolumeClaim", "claimName")
    if claim is not None and claim not in _claims_made(pods.owner):
        where = (*path, "persistentVolumeClaim", "claimName")
        yield from _slip(objects, pods, "PersistentVolumeClaim", claim, where)
    sources: list[tuple[Path, Mapping[str, Any]]] = [(path, volume)]
    sources += [
        ((*path, "projected", "sources", place), each)
        for place, each in entries(at(volume, "projected", "sources"))
    ]
    for where, source in sources:
        for key, kind, field in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
        ):
            named = mapping(source.get(key))
            name = named.get(field, named.get("name"))
            if name is None or named.get("optional"):
                continue
            field = field if field in named else "name"
            yield from _slip(objects, pods, kind, name, (*where, key, field))
            for place, item in entries(named.get("items")):
                asked = {"name": name, "key": item.get("key")}
                yield from _keyed(objects, pods, kind, asked, (*where, key, "items", place))


def _claims_made(owner: Resource) -> set[object]:
    return {
        mapping(each.get("metadata")).get("name")
        for path in CLAIMS
        for _, each in entries(at(owner.body, *path, "volumeClaimTemplates"))
    }


def _keyed(
    objects: Objects, pods: Pods, kind: str, named: Mapping[str, Any], path: Path
) -> Iterator[Fault]:
    """A key of a ConfigMap or a Secret; of one that is here the keys are known."""
    if named.get("optional"):
        return
    name, key = named.get("name"), named.get("key")
    found = objects.find(kind, name, pods.namespace)
    if found is None:
        yield from _slip(objects, pods, kind, name, (*path, "name"))
        return
    keys = {
        str(each)
        for part in ("data", "binaryData", "stringData")
        for each in mapping(found.body.get(part))
    }
    if keys and key not in keys and not objects.is_elsewhere(found):
        hint = did_you_mean(str(key), keys) or f"it has {listed(keys)}"
        yield Fault("V204", (*path, "key"), f"{kind} `{name}` has no key `{key}`", hint)


def _slip(objects: Objects, pods: Pods, kind: str, name: object, path: Path) -> Iterator[Fault]:
    """A name of nothing in the set that is nearly one of it, or that of one elsewhere."""
    if not isinstance(name, str) or objects.find(kind, name, pods.namespace) is not None:
        return
    hint = did_you_mean(name, objects.names(kind, pods.namespace))
    elsewhere = [namespace_of(each) for each in objects.known(kind) if each.name == name]
    if elsewhere:
        message = f"{kind} `{name}` is in the namespace `{elsewhere[0]}`, and the pod is not"
        yield Fault("V205", path, message, "a pod sees what is in its own namespace")
    elif hint and _is_slip(name, objects.names(kind, pods.namespace)):
        yield Fault("V205", path, f"there is no {kind} `{name}`", hint)


def _is_slip(name: str, known: list[str]) -> bool:
    """Whether a name is one letter, or an ending, from one that is there."""
    return any(_distance_is_one(name, each) for each in known)


def _distance_is_one(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    rest = start + 1 if len(short) == len(long) else start
    is_swap = short[start : start + 2] == long[start : start + 2][::-1]
    return short[rest:] == long[start + 1 :] or (
        len(short) == len(long) and is_swap and short[start + 2 :] == long[start + 2 :]
    )
