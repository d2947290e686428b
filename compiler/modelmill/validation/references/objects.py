"""Objects that meet in one cluster, by what refers to them calls them.

In: objects. Out: an index of them, and their pods. An object without a namespace is in whatever one
the others are in: that is where it is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from modelmill.pod_security import templates_of
from modelmill.registries import POD_SPECS
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path, at, entries, mapping

MADE_BY_KSERVE = frozenset({"LLMInferenceService", "InferenceService"})
"""Kinds of which a controller makes objects that refer to each other, and are referred to."""
SERVER = "server"
CONTAINERS = ("initContainers", "containers")
CLAIMS = (("spec", "leaderWorkerTemplate"), ("spec",))

Between = tuple[Resource, Fault]
"""A fault that only shows beside other objects, and the object it is of."""


class Pods(NamedTuple):
    """The pods of one template: whose they are, where it stands in it, their labels and spec."""

    owner: Resource
    path: Path
    labels: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def is_made(self) -> bool:
        """Whether a controller completes what is said of them here."""
        return not self.path

    @property
    def namespace(self) -> str:
        return namespace_of(self.owner)

    def containers(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Each container, with its place in the object."""
        for kind in CONTAINERS:
            for place, container in entries(self.spec.get(kind)):
                yield (*self.path, "spec", kind, place), container

    def ports(self) -> Iterator[tuple[str, Any]]:
        """Name and number of each port that containers declare."""
        for _, container in self.containers():
            for _, port in entries(container.get("ports")):
                yield str(port.get("name") or ""), port.get("containerPort")


class Objects:
    """All objects of one set. `around`: those of other sets, which may be there as well; they are
    found by who refers to them, and not judged."""

    def __init__(self, resources: Sequence[Resource], around: Sequence[Resource] = ()) -> None:
        self.all = tuple(resources)
        self._around = tuple(around)
        self._by_kind = _by_kind(resources)
        self._known = _by_kind((*resources, *around))

    def of(self, *kinds: str) -> list[Resource]:
        """Those to be judged."""
        return [each for kind in kinds for each in self._by_kind.get(kind, ())]

    def known(self, kind: str) -> list[Resource]:
        """Those to be found."""
        return self._known.get(kind, [])

    def find(self, kind: str, name: object, namespace: str) -> Resource | None:
        """An object by its name, as one of a namespace means it."""
        for each in self.known(kind):
            if each.name == name and meets(namespace_of(each), namespace):
                return each
        return None

    def is_elsewhere(self, resource: Resource) -> bool:
        """Whether an object is of another set, and so perhaps of another cluster: that it is there
        is all to be known of it."""
        return not any(each is resource for each in self.of(resource.kind))

    def names(self, kind: str, namespace: str) -> list[str]:
        return [r.name for r in self.known(kind) if meets(namespace_of(r), namespace)]

    @cached_property
    def pods(self) -> tuple[Pods, ...]:
        return tuple(pods for each in self.all for pods in pods_of(each))

    @cached_property
    def selectable(self) -> tuple[Pods, ...]:
        """Pods, and those that a controller of dual pods makes of what a requester says."""
        everything = (*self.all, *self._around)
        made = (
            Pods(each, (), *_labels_and_spec(template))
            for each in everything
            for part, template in templates_of(each)
            if part == SERVER
        )
        return (*self.pods, *(p for each in self._around for p in pods_of(each)), *made)

    def selected(self, labels: Mapping[str, Any], namespace: str) -> list[Pods]:
        """Pods that have all the labels."""
        return [
            pods
            for pods in self.selectable
            if meets(pods.namespace, namespace) and labels.items() <= pods.labels.items()
        ]

    @cached_property
    def has_hidden(self) -> bool:
        """Whether a controller makes pods and Services of what is here, which nobody sees here."""
        return any(kind in self._known for kind in MADE_BY_KSERVE)


def _by_kind(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for each in resources:
        found.setdefault(each.kind, []).append(each)
    return found


def pods_of(resource: Resource) -> Iterator[Pods]:
    for path in POD_SPECS.get(resource.kind, ()):
        template = at(resource.body, *path[:-1])
        if isinstance(at(resource.body, *path), Mapping):
            yield Pods(resource, path[:-1], *_labels_and_spec(template))


def _labels_and_spec(template: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    pod = mapping(template)
    return mapping(mapping(pod.get("metadata")).get("labels")), mapping(pod.get("spec"))


def namespace_of(resource: Resource) -> str:
    found = mapping(resource.body.get("metadata")).get("namespace")
    return found if isinstance(found, str) else ""


def meets(one: str, other: str) -> bool:
    """Whether objects of two namespaces see each other; "" is wherever they are applied."""
    return one == other or not one or not other


def matches(selector: object, labels: Mapping[str, Any]) -> bool:
    """Whether a LabelSelector takes what has the labels (k8s.io/apimachinery labels.Selector)."""
    wanted = mapping(selector)
    if not mapping(wanted.get("matchLabels")).items() <= labels.items():
        return False
    return all(_holds(each, labels) for _, each in entries(wanted.get("matchExpressions")))


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, operator = str(requirement.get("key")), requirement.get("operator")
    values = requirement.get("values")
    given = values if isinstance(values, list) else []
    if operator == "In":
        return labels.get(key) in given
    if operator == "NotIn":
        return labels.get(key) not in given
    return (key in labels) == (operator == "Exists")


def told(labels: Mapping[str, Any]) -> str:
    """Labels as messages speak of them."""
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "no labels"


def listed(names: Iterable[object]) -> str:
    """What there is instead, for a hint."""
    known = sorted({str(each) for each in names if each not in (None, "")})
    return ", ".join(f"`{each}`" for each in known[:8]) + (", …" if len(known) > 8 else "")
