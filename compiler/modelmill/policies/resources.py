"""`resources`: what containers must ask for, and may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.pod_security import Path
from modelmill.policies.broken import Broken, Pods, mapping
from modelmill.quantities import exact

COMPUTE = ("cpu", "memory")


def without_requests(pods: Pods) -> Iterator[Broken]:
    """A limit stands for a request, as an API server completes it."""
    for path, container in pods.containers():
        requests, limits = _amounts(container)
        missing = [each for each in COMPUTE if each not in requests and each not in limits]
        if missing:
            what = f"`{path[1]}` requests no {' and no '.join(missing)}"
            yield _broken("resources.requests", what, "requests", path, pods)


def without_memory_limit(pods: Pods) -> Iterator[Broken]:
    yield from _unlimited(pods, "memory", "resources.memoryLimits")


def without_cpu_limit(pods: Pods) -> Iterator[Broken]:
    yield from _unlimited(pods, "cpu", "resources.cpuLimits")


def unequal_accelerators(pods: Pods) -> Iterator[Broken]:
    for path, container in pods.containers():
        requests, limits = _amounts(container)
        for name, asked in requests.items():
            limit = limits.get(name)
            if "/" in str(name) and (limit is None or not _same(asked, limit)):
                told = f"the limit is {limit}" if limit is not None else "no limit is set"
                what = f"`{path[1]}` requests {asked} of {name}, and {told}"
                place = (*path, "resources", "requests", str(name))
                hint = "give both one number: accelerators are handed out whole"
                yield Broken("resources.accelerators", what, hint, place, pods.part)


def _unlimited(pods: Pods, what: str, policy: str) -> Iterator[Broken]:
    for path, container in pods.containers():
        if what not in _amounts(container)[1]:
            yield _broken(policy, f"`{path[1]}` has no limit of {what}", "limits", path, pods)


def _broken(policy: str, what: str, part: str, path: Path, pods: Pods) -> Broken:
    place = (*path, "resources", part)
    return Broken(policy, what, f"set it under `resources.{part}`", place, pods.part)


def _amounts(container: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    resources = mapping(container.get("resources"))
    return mapping(resources.get("requests")), mapping(resources.get("limits"))


def _same(one: object, other: object) -> bool:
    if one == other:
        return True
    try:
        return exact(str(one)) == exact(str(other))
    except (ValueError, ArithmeticError):
        return False
