"""The line of the input that a field of a generated pod comes from.

In: a variant, one of its objects, which of its pods, and paths in that pod; entries of lists stand
under their names. Out: a span: of what is written there or nearest above it, else of what the pod
is of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelmill import sidecar, tokenizer
from modelmill.diagnostics import Span
from modelmill.pod_security import CONTAINERS, Path
from modelmill.resource import Resource
from modelmill.variant import Variant

PROBES = {
    "startupProbe": "startup",
    "readinessProbe": "readiness",
    "livenessProbe": "liveness",
}
CACHE = ("model", "cache", "node")


def origin(variant: Variant, resource: Resource, part: str, path: Path) -> Span:
    """The place of the input that a pod's field comes from, or of what the pod is of."""
    found = _written(variant, resource, part, path)
    if found is not None:
        return variant.span_of(*found)
    # No one writes the volume of a cache.
    from_cache = path[0] == "volumes" and variant.tree.get("model", "cache", "node") is not None
    owner, *_ = owners(variant, resource, part)
    return variant.key_span_of(*(CACHE if from_cache else owner))


def key_of(variant: Variant, resource: Resource, part: str, *paths: Path) -> Span:
    """The name of a part of a pod where it is written, or what the pod is of."""
    owner, *_ = owners(variant, resource, part)
    return variant.key_span_of(*(_written(variant, resource, part, *paths) or owner))


def _written(variant: Variant, resource: Resource, part: str, *paths: Path) -> Path | None:
    """The path in the spec of what comes nearest to a pod's field, by the paths it may have."""
    owner, pods, containers = owners(variant, resource, part)
    candidates = [c for path in paths for c in _candidates(variant, pods, containers, path)]
    best = max(candidates, key=lambda each: _nearness(variant, *each), default=(owner, ()))
    return (*best[0], *best[1]) if _depth(variant, *best) > 0 else None


def owners(variant: Variant, resource: Resource, part: str) -> tuple[Path, list[Path], list[Path]]:
    """What an object comes from: its place, and those of its pod's and main container's fields."""
    for key, role in variant.roles.items():
        if resource.name == variant.workload_name(key):
            own: Path = ("roles", key)
            levels = [(*own, "worker"), own] if part == "workerTemplate" else [own]
            main = [(*each, "container") for each in levels]
            if role.dual_pods is not None and part != "server":
                main = [(*own, "dualPods", "container")]
            return own, [(*each, "pod") for each in levels], main
    for key, body in variant.spec.extra_objects.items():
        if (body["kind"], body["metadata"]["name"]) == (resource.kind, resource.name):
            return ("extraObjects", key), [], []
    if resource.name == tokenizer.name(variant):
        own = ("routing", "scheduler", "tokenizer")
        return own, [(*own, "pod")], [(*own, "container")]
    if resource.name.startswith(variant.picker_name):
        own = ("routing", "scheduler")
        return own, [(*own, "pod")], [(*own, "container")]
    return CACHE, [("model", "cache", "download", "pod")], []


def _candidates(
    variant: Variant, pods: Sequence[Path], containers: Sequence[Path], path: Path
) -> Iterator[tuple[Path, Path]]:
    """Where a field of a pod may have been written: what there is, and the rest of the way."""
    for place in pods:
        yield place, path
        yield (*place, "fields"), path
    if path[0] not in CONTAINERS:
        return
    written = [(*each, *path[:2]) for each in pods if variant.tree.get(*each, *path[:2])]
    own = variant.sidecar.container
    if path[1] == ((own and own.name) or sidecar.NAME):
        containers = [("routing", "sidecar", "container")]
    for place in written or containers:
        yield place, path[2:]
        yield (*place, "fields"), path[2:]
        above = place if written else place[:-1]
        if path[2:] and path[2] in PROBES:
            yield above, ("probes", PROBES[path[2]], *path[3:])
        elif path[2:3] == ("resources",):
            yield above, path[2:]
        elif path[2:3] == ("image",):
            yield above, path[2:]
            yield (*above, "engine"), path[2:]


def _nearness(variant: Variant, place: Path, path: Path) -> tuple[bool, int]:
    """The field itself before all that is above it."""
    depth = _depth(variant, place, path)
    return depth == len(path), depth


def _depth(variant: Variant, place: Path, path: Path) -> int:
    """How much of the way from `place` is written; -1 where that is not."""
    ways = (path[:length] for length in range(len(path) + 1))
    return sum(variant.tree.get(*place, *way) is not None for way in ways) - 1


def owner_of(variant: Variant, resource: Resource) -> Span:
    """What an object is of: a role, the picker, an extra object; else the model."""
    owner, *_ = owners(variant, resource, "")
    return variant.key_span_of(*owner) if owner != CACHE else variant.model.span
