"""One policy that is not kept.

In: nothing. Out: what rules find, and the parts of objects they look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.pod_security import Path, templates_of
from modelmill.registries import PARTS
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

SERVER = "server"
CONTAINERS = ("initContainers", "containers")


class Broken(NamedTuple):
    """`policy` as people write it: images.digest. `path` is in the pod, entries of lists under
    their names; () is the pod, or the object, itself."""

    policy: str
    what: str
    hint: str
    path: Path = ()
    part: str = ""


class Pods(NamedTuple):
    """The pods of one template of an object; `part` as `templates_of` has it."""

    owner: Resource
    part: str
    template: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        return mapping(self.template.get("spec"))

    @property
    def labels(self) -> Mapping[str, Any]:
        return mapping(mapping(self.template.get("metadata")).get("labels"))

    def containers(self, *kinds: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Each container, those that only prepare included, with its place in the pod."""
        for kind in kinds or CONTAINERS:
            for container in entries(self.spec.get(kind)):
                yield (kind, str(container.get("name"))), container


def pods_of(resource: Resource) -> Iterator[Pods]:
    """The pods an object makes. What dual pods make of a requester is said in part alone, and its
    controller completes it."""
    for part, template in templates_of(resource):
        if part != SERVER:
            yield Pods(resource, part, mapping(template))


def parts_of(resource: Resource) -> Iterator[Pods]:
    """Parts of pods in a resource of KServe: what they lack its presets may say."""
    for path in PARTS.get(resource.kind, ()):
        part: Any = resource.body
        for key in path:
            part = mapping(part).get(key)
        if isinstance(part, Mapping):
            yield Pods(resource, "", {"spec": part})


# Objects are of plain dicts and lists: to ask for these is several times as fast as for a Mapping.


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Sequence[Mapping[str, Any]]:
    found = value if isinstance(value, list | tuple) else ()
    return [each for each in found if isinstance(each, dict)]
