"""Registries that stand for others: one cluster pulls from a mirror what is named by its origin.

In: images as they are written, and which parts of their names to replace. Out: the images, or
objects with them. A name is read as container runtimes read it (distribution/reference,
normalize.go); one that nothing replaces stays as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.resource import Resource

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


def mirrored(resources: Iterable[Resource], registries: Mapping[str, str]) -> tuple[Resource, ...]:
    """The objects with the images of their pods taken from elsewhere."""
    if not registries:
        return tuple(resources)
    return tuple(_resource(each, registries) for each in resources)


def mirrored_pod(spec: Any, registries: Mapping[str, str]) -> Any:
    """A PodSpec with the images of its containers and volumes taken from elsewhere."""
    if not registries or not isinstance(spec, Mapping):
        return spec
    found = {key: _each(spec[key], "image", registries) for key in CONTAINERS if key in spec}
    if isinstance(spec.get("volumes"), list | tuple):
        found["volumes"] = [_volume(each, registries) for each in spec["volumes"]]
    return {**spec, **found}


def image(name: str, registries: Mapping[str, str]) -> str:
    """An image from where `registries` says: the longest part of its name that is replaced wins."""
    whole = _whole(name)
    path, tag = _split(whole)
    fitting = [each for each in registries if f"{path}/".startswith(f"{each}/")]
    if not fitting:
        return name
    longest = max(fitting, key=len)
    return registries[longest] + path[len(longest) :] + tag


def _whole(name: str) -> str:
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


def _resource(resource: Resource, registries: Mapping[str, str]) -> Resource:
    body: Any = resource.body
    for path in (*POD_SPECS.get(resource.kind, ()), *PARTS.get(resource.kind, ())):
        body = _at(body, path, registries)
    return resource if body is resource.body else resource._replace(body=body)


def _at(node: Any, path: tuple[str, ...], registries: Mapping[str, str]) -> Any:
    if not path:
        return mirrored_pod(node, registries)
    if not isinstance(node, Mapping) or path[0] not in node:
        return node
    return {**node, path[0]: _at(node[path[0]], path[1:], registries)}


def _each(items: Any, key: str, registries: Mapping[str, str]) -> Any:
    if not isinstance(items, list | tuple):
        return items
    return [_replaced(each, key, registries) for each in items]


def _volume(volume: Any, registries: Mapping[str, str]) -> Any:
    if not isinstance(volume, Mapping) or "image" not in volume:
        return volume
    return {**volume, "image": _replaced(volume["image"], "reference", registries)}


def _replaced(node: Any, key: str, registries: Mapping[str, str]) -> Any:
    if not isinstance(node, Mapping) or not isinstance(node.get(key), str):
        return node
    return {**node, key: image(node[key], registries)}
