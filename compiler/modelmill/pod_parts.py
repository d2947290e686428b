"""What an API server refuses of a pod in any namespace: two parts of one name, mounts of nothing,
requests beyond limits.

In: an object as it is emitted. Out: faults of its pods, each with the places in the pod it may come
from: paths of fields; entries of lists stand under their names.

Source: kubernetes/kubernetes, pkg/apis/core/validation (ValidateVolumes, ValidateVolumeMounts,
validateContainerPorts, ValidateContainerResourceRequirements).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from modelmill.quantities import exact
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

Path = tuple[str, ...]

CONTAINERS = ("initContainers", "containers")
GROUP, CLAIMS = "leaderWorkerTemplate", "volumeClaimTemplates"
"""Where groups, as StatefulSets, have volumes of their pods."""
RENAME = "give yours another name"
DECLARE = "declare it under `pod.volumes`"
ELSEWHERE = "mount yours elsewhere"
LARGEST_PORT = 65535
_is_port_name = regex(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
_is_quantity = regex(r"[0-9]+(\.[0-9]*)?([mkMGTPE]|[KMGTPE]i)?")


class Fault(NamedTuple):
    """What is refused, where in the pod it may be written, and a next step."""

    paths: tuple[Path, ...]
    what: str
    hint: str
    about: Literal["name", "mount", "port", "amount"] = "name"


def claims_beside(resource: Resource) -> tuple[str, ...]:
    """Volumes that an object's pods have though their template does not name them."""
    spec = _mapping(resource.body.get("spec"))
    found = []
    for holder in (_mapping(spec.get(GROUP)), spec):
        if CLAIMS in holder:
            templates = _items(holder[CLAIMS])
            found += [_mapping(each.get("metadata")).get("name") for each in templates]
    return tuple(str(name) for name in found if name)


def faults(template: Any, beside: Iterable[str] = ()) -> Iterator[Fault]:
    """Everything an API server refuses of the template of a pod. `beside`: further volumes."""
    spec = _mapping(_mapping(template).get("spec"))
    volumes = [str(each.get("name")) for each in _items(spec.get("volumes"))]
    mountable = {*volumes, *beside}
    for name in _twice(volumes):
        yield Fault((("volumes", name),), f"the pod has two volumes `{name}`", RENAME)
    places = [
        (kind, str(each.get("name")), each)
        for kind in CONTAINERS
        for each in _items(spec.get(kind))
    ]
    for name in _twice([name for _, name, _ in places]):
        paths = tuple((kind, name) for kind in CONTAINERS)
        yield Fault(paths, f"the pod has two containers `{name}`", RENAME)
    for kind, name, container in places:
        yield from _mounts((kind, name), container, mountable)
        yield from _ports((kind, name), container)
        yield from _resources((kind, name), container)


def _mounts(place: Path, container: Mapping[str, Any], volumes: set[str]) -> Iterator[Fault]:
    mounts = _items(container.get("volumeMounts"))
    for path in _twice([_mount_path(each) for each in mounts]):
        message = f"`{place[1]}` has two volumes at `{path}`"
        yield Fault(((*place, "volumeMounts", path),), message, ELSEWHERE)
    for each in mounts:
        name = each.get("name")
        if isinstance(name, str) and name in volumes:
            continue
        path = _mount_path(each)
        if not isinstance(name, str):
            message = f"nothing says which volume `{place[1]}` has at `{path}`"
            yield Fault(((*place, "volumeMounts", path),), message, "set `name`", "mount")
        else:
            message = f"`{place[1]}` mounts the volume `{name}`, which its pod does not have"
            yield Fault(((*place, "volumeMounts", path),), message, DECLARE, "mount")


def _mount_path(mount: Mapping[str, Any]) -> str:
    path = str(mount.get("mountPath"))
    return path.rstrip("/") or path


def _ports(place: Path, container: Mapping[str, Any]) -> Iterator[Fault]:
    ports = _items(container.get("ports"))
    names = [str(each["name"]) for each in ports if each.get("name")]
    for name in _twice(names):
        message = f"`{place[1]}` has two ports `{name}`"
        yield Fault(((*place, "ports", name),), message, RENAME)
    for each in ports:
        number, name = each.get("containerPort"), str(each.get("name") or "")
        has_number = isinstance(number, int) and 1 <= number <= LARGEST_PORT
        is_named = not name or _is_name_of_port(name)
        if has_number and is_named:
            continue
        path = (*place, "ports", name or str(number))
        if not has_number:
            message = f"the port `{path[-1]}` of `{place[1]}` has no number"
            hint = f"set `containerPort`, from 1 to {LARGEST_PORT}"
            yield Fault((path,), message, hint, "port")
        if not is_named:
            message = f"`{name}` of `{place[1]}` is no name for a port"
            hint = "at most 15 lower case letters, digits and `-`"
            yield Fault((path,), message, hint, "port")


def _resources(place: Path, container: Mapping[str, Any]) -> Iterator[Fault]:
    resources = _mapping(container.get("resources"))
    limits = _mapping(resources.get("limits"))
    for what, asked in _mapping(resources.get("requests")).items():
        limit = limits.get(what)
        if limit is None or asked == limit:
            continue
        amounts = [str(each) for each in (asked, limit) if isinstance(each, str | int)]
        if len(amounts) == 2 and _exceeds(*amounts):
            message = f"`{place[1]}` asks for {asked} of {what}, and its limit is {limit}"
            paths = tuple((*place, "resources", part, what) for part in ("limits", "requests"))
            yield Fault(paths, message, "raise the limit, or ask for less", "amount")


@lru_cache(maxsize=4096)
def _exceeds(asked: str, limit: str) -> bool:
    """Whether both are amounts, and the one is more than the other."""
    are_amounts = _is_quantity.fullmatch(asked) and _is_quantity.fullmatch(limit)
    return are_amounts is not None and exact(asked) > exact(limit)


@lru_cache(maxsize=4096)
def _is_name_of_port(name: str) -> bool:
    return _is_port_name.fullmatch(name) is not None


def _twice(names: Sequence[str]) -> list[str]:
    if len(set(names)) == len(names):
        return []
    return [name for name, times in Counter(names).items() if times > 1]


# Emitted objects are of plain dicts and lists: to ask for these is cheaper than for a Mapping.


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    """The entries of a list; what is none of a mapping an API server refuses for its form."""
    if not isinstance(value, (list, tuple)):
        return []
    return [each for each in value if isinstance(each, dict)]
