"""Where images are pulled from: mirrors of the registries that they name, by their digests.

In: images as they are written, which parts of their names to replace, and their digests. Out: the
images, or objects with them. A name is read as container runtimes read it (distribution/reference,
normalize.go); one that nothing replaces stays as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from operator import is_
from typing import Any

from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

DOCKER_HUB = "docker.io"
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
TEMPLATE = (("spec", "template", "spec"),)
# Where the pod specs of a kind are; people's own objects are among them.
POD_SPECS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "CronJob": (("spec", "jobTemplate", "spec", "template", "spec"),),
    "DaemonSet": TEMPLATE,
    "Deployment": TEMPLATE,
    "Job": TEMPLATE,
    "LeaderWorkerSet": (
        ("spec", "leaderWorkerTemplate", "leaderTemplate", "spec"),
        ("spec", "leaderWorkerTemplate", "workerTemplate", "spec"),
    ),
    "Pod": (("spec",),),
    "ReplicaSet": TEMPLATE,
    "StatefulSet": TEMPLATE,
}
_WORKLOAD = (("template",), ("worker",), ("prefill", "template"), ("prefill", "worker"))
_ROUTER = (
    ("router", "scheduler", "template"),
    ("router", "scheduler", "tokenizer", "template"),
)
# Parts of pod specs, which KServe lays over its presets'.
_OF_KSERVE = tuple(("spec", *path) for path in (*_WORKLOAD, *_ROUTER))
PARTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "LLMInferenceService": _OF_KSERVE,
    "LLMInferenceServiceConfig": _OF_KSERVE,
}
_PLACES = {**POD_SPECS, **PARTS}
KINDS = frozenset(_PLACES)
"""Of objects that name images."""


class Pulls(NamedTuple):
    """What decides where an image comes from.

    registries   parts of names, and what stands for them
    digests      digests by whole names, without those registries
    """

    registries: Mapping[str, str]
    digests: Mapping[str, str] = {}


def mirrored(resources: Iterable[Resource], pulls: Pulls) -> tuple[Resource, ...]:
    """The objects with the images of their pods as they are pulled."""
    if not pulls.registries and not pulls.digests:
        return tuple(resources)
    return tuple(_resource(each, pulls) for each in resources)


def mirrored_pod(spec: Any, pulls: Pulls) -> Any:
    """A PodSpec with the images of its containers and volumes as they are pulled."""
    if not isinstance(spec, Mapping) or not (pulls.registries or pulls.digests):
        return spec
    found = {}
    for key, items in spec.items():
        if key in _WITH_IMAGES and isinstance(items, list | tuple):
            pulled = [_WITH_IMAGES[key](each, pulls) for each in items]
            if not all(map(is_, items, pulled)):
                found[key] = pulled
    return {**spec, **found} if found else spec


def images_in(resources: Iterable[Resource]) -> Iterator[str]:
    """The images of the objects' pods, as they are written there."""
    for each in resources:
        for path in _PLACES.get(each.kind, ()):
            node: Any = each.body
            for key in path:
                node = node.get(key) if isinstance(node, Mapping) else None
            yield from images_of_pod(node)


def images_of_pod(spec: Any) -> Iterator[str]:
    """The images of a PodSpec's containers and volumes."""
    if not isinstance(spec, Mapping):
        return
    listed = [each for key in CONTAINERS for each in _mappings(spec.get(key))]
    mounted = [each.get("image") for each in _mappings(spec.get("volumes"))]
    named = [each.get("image") for each in listed]
    named += [each.get("reference") for each in mounted if isinstance(each, Mapping)]
    yield from (name for name in named if isinstance(name, str) and name)


def pull(name: str, pulls: Pulls) -> str:
    """An image as it is pulled: by its digest if it is known, from where registries say."""
    digest = pulls.digests.get(whole(name)) if "@" not in name else None
    return image(f"{name}@{digest}" if digest else name, pulls.registries)


def image(name: str, registries: Mapping[str, str]) -> str:
    """An image from where `registries` says: the longest part of its name that is replaced wins."""
    path, tag = _split(whole(name))
    fitting = [each for each in registries if f"{path}/".startswith(f"{each}/")]
    if not fitting:
        return name
    longest = max(fitting, key=len)
    return registries[longest] + path[len(longest) :] + tag


@lru_cache(maxsize=4096)
def whole(name: str) -> str:
    """`busybox:1` as docker.io/library/busybox:1: the registry and path that it stands for."""
    first, slash, rest = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if named else (DOCKER_HUB, name)
    if registry == f"index.{DOCKER_HUB}":
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return f"{registry}/{path}"


def _split(whole: str) -> tuple[str, str]:
    """Registry and path, and what follows them: `:tag`, `@digest` or both."""
    name, at, digest = whole.partition("@")
    folder, slash, last = name.rpartition("/")
    base, colon, tag = last.partition(":")
    return folder + slash + base, colon + tag + at + digest


def _resource(resource: Resource, pulls: Pulls) -> Resource:
    body: Any = resource.body
    for path in _PLACES.get(resource.kind, ()):
        body = _at(body, path, pulls)
    return resource if body is resource.body else resource._replace(body=body)


def _at(node: Any, path: tuple[str, ...], pulls: Pulls) -> Any:
    if not path:
        return mirrored_pod(node, pulls)
    if not isinstance(node, Mapping) or path[0] not in node:
        return node
    below = _at(node[path[0]], path[1:], pulls)
    return node if below is node[path[0]] else {**node, path[0]: below}


def _container(container: Any, pulls: Pulls) -> Any:
    return _replaced(container, "image", pulls)


def _volume(volume: Any, pulls: Pulls) -> Any:
    if not isinstance(volume, Mapping) or "image" not in volume:
        return volume
    image = _replaced(volume["image"], "reference", pulls)
    return volume if image is volume["image"] else {**volume, "image": image}


def _replaced(node: Any, key: str, pulls: Pulls) -> Any:
    if not isinstance(node, Mapping) or not isinstance(node.get(key), str):
        return node
    pulled = pull(node[key], pulls)
    return node if pulled == node[key] else {**node, key: pulled}


_WITH_IMAGES = {**dict.fromkeys(CONTAINERS, _container), "volumes": _volume}


def _mappings(items: Any) -> list[Mapping[str, Any]]:
    return [e for e in items if isinstance(e, Mapping)] if isinstance(items, list | tuple) else []
