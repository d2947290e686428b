"""C536, C576: pods ask for nothing that a server refuses, of any pod or of those of a namespace.

In: a variant, and its objects before and after last-mile patches. Out: findings, each at the place
of the input that the pod's field comes from. What is judged is what is emitted, so that no field,
preset, extra object or patch gets past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelmill import pod_parts, sidecar, tokenizer
from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.pod_security import CONTAINERS, Level, Path, Refusal, held_to, refusals, templates_of
from modelmill.resource import Resource
from modelmill.variant import Variant

REFUSABLE = ("baseline", "restricted")
EXEMPT = "or exempt the model under `podSecurityExemptions` of the environment"
PROBES = {
    "startupProbe": "startup",
    "readinessProbe": "readiness",
    "livenessProbe": "liveness",
}
CACHE = ("model", "cache", "node")
REQUESTED = "server"
"""What dual pods make of a requester: a part of a pod is said."""


def judge_pods(
    variant: Variant,
    before: Sequence[Resource],
    after: Sequence[Resource],
    patch_of: Callable[[Resource], Span],
) -> Iterator[Diagnostic]:
    """`patch_of` tells the patch that changed an object's spec."""
    yield from _parts(variant, before, after, patch_of)
    yield from _security(variant, before, after, patch_of)


def _parts(
    variant: Variant,
    before: Sequence[Resource],
    after: Sequence[Resource],
    patch_of: Callable[[Resource], Span],
) -> Iterator[Diagnostic]:
    for old, new in zip(before, after, strict=True):
        templates = list(templates_of(new))
        if not templates or _is_as_written(variant, old):
            continue
        written, beside = dict(templates_of(old)), pod_parts.claims_beside(new)
        for part, template in templates:
            if part == REQUESTED:
                continue
            for fault in _faults(variant, template, beside):
                is_patched = fault not in _faults(variant, written.get(part), beside)
                span = patch_of(old) if is_patched else _key(variant, old, part, *fault.paths)
                yield error("C576", fault.what, span, fault.hint)


def _is_as_written(variant: Variant, resource: Resource) -> bool:
    """Whether nothing is derived that could be in the way of what people wrote, or what runs."""
    owner, *_ = _owners(variant, resource, "")
    return owner[0] == "extraObjects" or (owner[0] == "roles" and variant.is_bare(owner[1]))


def _faults(
    variant: Variant, template: Any, beside: tuple[str, ...]
) -> tuple[pod_parts.Fault, ...]:
    """Environments share the templates in which they do not differ."""
    inputs = ("pod parts", *beside, template)
    return variant.once(inputs, lambda: tuple(pod_parts.faults(template, beside)))


def _security(
    variant: Variant,
    before: Sequence[Resource],
    after: Sequence[Resource],
    patch_of: Callable[[Resource], Span],
) -> Iterator[Diagnostic]:
    overlay = variant.overlay
    if overlay is None:
        return
    level = held_to(overlay.record, variant.name)
    if level not in REFUSABLE:
        return
    told = Note(f"`{overlay.name}` enforces {level}", _said(variant))
    for old, new in zip(before, after, strict=True):
        if old.body["metadata"].get("namespace", variant.namespace) != variant.namespace:
            continue
        written = dict(templates_of(old))
        for part, template in templates_of(new):
            for refusal in _refused(variant, template, level):
                is_patched = refusal not in _refused(variant, written.get(part), level)
                origin = _origin(variant, old, part, refusal.path)
                span = patch_of(old) if is_patched else origin
                yield _finding(refusal, level, span, told, is_patched=is_patched)


def _refused(variant: Variant, template: Any, level: Level) -> tuple[Refusal, ...]:
    """Environments share the templates in which they do not differ."""
    inputs = ("pod security", level, template)
    return variant.once(inputs, lambda: tuple(refusals(template, level)))


def _finding(
    refusal: Refusal, level: Level, span: Span, told: Note, *, is_patched: bool
) -> Diagnostic:
    wants, mend = ("wants", "set it") if refusal.is_missing else ("refuses", "take it out")
    message = f"{refusal.what}, which the Pod Security Standard {level} {wants}"
    in_patch = "leave it in" if refusal.is_missing else mend
    hint = in_patch if is_patched else f"{mend}, {EXEMPT}"
    return error("C536", message, span, hint, [told])


def _said(variant: Variant) -> Span:
    """Where the standard of the model is told."""
    assert variant.overlay is not None
    node = variant.overlay.node
    exempt = node.get("podSecurityExemptions", variant.name, "level")
    return (exempt or node.nearest("podSecurity")).span


def _origin(variant: Variant, resource: Resource, part: str, path: Path) -> Span:
    """The place of the input that a pod's field comes from, or of what the pod is of."""
    found = _written(variant, resource, part, path)
    if found is not None:
        return variant.span_of(*found)
    # No one writes the volume of a cache.
    from_cache = path[0] == "volumes" and variant.tree.get("model", "cache", "node") is not None
    owner, *_ = _owners(variant, resource, part)
    return variant.key_span_of(*(CACHE if from_cache else owner))


def _key(variant: Variant, resource: Resource, part: str, *paths: Path) -> Span:
    """The name of a part of a pod where it is written, or what the pod is of."""
    owner, *_ = _owners(variant, resource, part)
    return variant.key_span_of(*(_written(variant, resource, part, *paths) or owner))


def _written(variant: Variant, resource: Resource, part: str, *paths: Path) -> Path | None:
    """The path in the spec of what comes nearest to a pod's field, by the paths it may have."""
    owner, pods, containers = _owners(variant, resource, part)
    candidates = [c for path in paths for c in _candidates(variant, pods, containers, path)]
    best = max(candidates, key=lambda each: _depth(variant, *each), default=(owner, ()))
    return (*best[0], *best[1]) if _depth(variant, *best) > 0 else None


def _owners(variant: Variant, resource: Resource, part: str) -> tuple[Path, list[Path], list[Path]]:
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


def _depth(variant: Variant, place: Path, path: Path) -> int:
    """How much of the way from `place` is written; -1 where that is not."""
    ways = (path[:length] for length in range(len(path) + 1))
    return sum(variant.tree.get(*place, *way) is not None for way in ways) - 1
