"""Last-mile patches: JSON 6902 operations an overlay lays over generated objects.

In: a variant's objects and its overlay. Out: the objects, patched. An operation whose path is not
there is an error at the operation, where kustomize would stay silent.
"""

from __future__ import annotations

from modelmill import patch
from modelmill.catalog import Document
from modelmill.diagnostics import CompileError, Diagnostic, error
from modelmill.resource import Resource
from modelmill.spec.documents import Patch
from modelmill.variant import Variant


def apply_patches(variant: Variant, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The objects after every patch of the environment that is for them. Whether a patch is for any
    object at all is seen only over all models: see `coverage`."""
    overlay = variant.overlay
    if overlay is None or not overlay.record.patches:
        return resources
    problems: list[Diagnostic] = []
    result = list(resources)
    for name, entry in overlay.record.patches.items():
        for index, resource in enumerate(result):
            if not is_for(entry, variant, resource):
                continue
            try:
                operations = patch.parse([dict(operation) for operation in entry.operations])
                body = patch.apply(operations, resource.body)
            except patch.PatchError as fault:
                problems.append(_misfit(overlay, name, resource, fault))
                continue
            assert isinstance(body, dict)
            result[index] = resource._replace(body=body)
    if problems:
        raise CompileError(problems)
    return tuple(result)


def is_for(entry: Patch, variant: Variant, resource: Resource) -> bool:
    """Whether a patch of the variant's environment is for one of its objects."""
    target = entry.target
    return (
        target.model in (None, variant.name)
        and target.kind == resource.kind
        and target.name in (None, resource.name)
    )


def _misfit(
    overlay: Document, name: str, resource: Resource, fault: patch.PatchError
) -> Diagnostic:
    place: tuple[str | int, ...] = ("patches", name, "operations")
    if fault.position is not None:
        place = (*place, fault.position)
    if fault.operation is None:
        message = f"the patch `{name}` cannot be read: {fault}"
    else:
        message = f"the patch `{name}` does not fit {resource.kind} `{resource.name}`: {fault}"
    return error("C523", message, overlay.node.nearest(*place).span)
