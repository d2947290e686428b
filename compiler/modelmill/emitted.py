"""What must hold of a variant's objects, whatever made them: a field, an extra object or a patch.

In: objects before and after last-mile patches. Out: findings. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from modelmill.admission import judge_pods
from modelmill.checks.extra_objects import fault_of_metadata
from modelmill.diagnostics import Diagnostic, Span, error
from modelmill.patches import is_for
from modelmill.resource import Resource
from modelmill.variant import Variant

LOCAL_CONFIG = "config.kubernetes.io/local-config"


def judge(
    variant: Variant, before: Sequence[Resource], after: Sequence[Resource]
) -> Iterable[Diagnostic]:
    """`after` is `before` with the overlay's patches applied, in the same order."""
    for old, new in zip(before, after, strict=True):
        if new is not old and _identity(new.body) != old.identity:
            yield error(
                "C525",
                f"a patch changes apiVersion, kind or name of {old.kind} `{old.name}`",
                patch_behind(variant, old, "/apiVersion", "/kind", "/metadata/name"),
                "leave them: names follow from the model's name and the role's key",
            )
            continue
        fault = "" if new is old else fault_of_metadata(new.body["metadata"])
        if fault:
            yield error(
                "C523",
                f"after a patch {new.kind} `{new.name}` {fault}",
                patch_behind(variant, old, "/metadata"),
            )
        elif LOCAL_CONFIG in new.body["metadata"].get("annotations", {}):
            yield error(
                "C525",
                f"{new.kind} `{new.name}` has the annotation `{LOCAL_CONFIG}`, "
                "for which kustomize drops it",
                _annotated(variant, old),
                "remove the annotation",
            )
    yield from judge_pods(variant, before, after, lambda each: patch_behind(variant, each, "/spec"))


def _identity(body: dict[str, Any]) -> tuple[object, object, object] | None:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return None
    return (body.get("apiVersion"), body.get("kind"), metadata.get("name"))


def patch_behind(variant: Variant, resource: Resource, *paths: str) -> Span:
    """The last operation on the object that acts on, above or below one of the paths."""
    assert variant.overlay is not None
    patches = variant.overlay.node.nearest("patches")
    span = patches.key_span
    for name, entry in variant.overlay.record.patches.items():
        if not is_for(entry, variant, resource):
            continue
        for index, operation in enumerate(entry.operations):
            acts = f"{operation['path']}/"
            if any(acts.startswith(f"{p}/") or f"{p}/".startswith(acts) for p in paths):
                span = patches.nearest(name, "operations", index).span
    return span


def _annotated(variant: Variant, resource: Resource) -> Span:
    """Where the annotation was written: in a field, or in a patch."""
    if LOCAL_CONFIG not in resource.body["metadata"].get("annotations", {}):
        return patch_behind(variant, resource, "/metadata/annotations")
    extra = [
        ("extraObjects", key)
        for key, body in variant.spec.extra_objects.items()
        if (body["kind"], body["metadata"]["name"]) == (resource.kind, resource.name)
    ]
    roles = [("roles", key) for key in variant.roles if variant.workload_name(key) == resource.name]
    for place in (*extra, *roles, ("routing", "scheduler"), ("routing", "route")):
        found = variant.tree.get(*place, "metadata", "annotations", LOCAL_CONFIG)
        if found is not None:
            return found.key_span
    return variant.model.span
