"""Last-mile patches: JSON 6902 operations an overlay lays over generated objects.

In: a variant's objects and its overlay. Out: the objects, patched. A patch that matches no object,
or whose path is not there, is an error at the patch, where kustomize would stay silent.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import patch
from modelmill.diagnostics import CompileError, Diagnostic, Span, did_you_mean, error
from modelmill.resource import Resource
from modelmill.spec.documents import Patch
from modelmill.variant import Variant


def apply_patches(variant: Variant, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    overlay = variant.overlay
    if overlay is None or not overlay.record.patches:
        return resources
    problems: list[Diagnostic] = []
    result = list(resources)
    for name, entry in overlay.record.patches.items():
        if entry.target.model is not None and entry.target.model != variant.name:
            continue
        span = overlay.node.nearest("patches", name).key_span
        hits = [i for i, r in enumerate(result) if _matches(entry, r)]
        if not hits:
            problems.append(_missed(name, entry, result, span, variant))
        for index in hits:
            try:
                operations = patch.parse([dict(operation) for operation in entry.operations])
                body = patch.apply(operations, result[index].body)
            except patch.PatchError as fault:
                problems.append(
                    error(
                        "C523",
                        f"the patch `{name}` does not fit {result[index].kind} "
                        f"`{result[index].name}`: {fault}",
                        span,
                    )
                )
                continue
            assert isinstance(body, dict)
            result[index] = result[index]._replace(body=body)
    if problems:
        raise CompileError(problems)
    return tuple(result)


def _matches(entry: Patch, resource: Resource) -> bool:
    target = entry.target
    return target.kind == resource.kind and target.name in (None, resource.name)


def _missed(
    name: str, entry: Patch, resources: Iterable[Resource], span: Span, variant: Variant
) -> Diagnostic:
    target = entry.target
    wanted = f"{target.kind} `{target.name}`" if target.name else f"{target.kind}"
    same_kind = [r.name for r in resources if r.kind == target.kind]
    hint = did_you_mean(target.name, same_kind) if target.name else ""
    kinds = sorted({r.kind for r in resources})
    if not same_kind:
        hint = did_you_mean(target.kind, kinds) or "it has " + ", ".join(kinds)
    elif not hint:
        hint = "it has " + ", ".join(sorted(same_kind))
    return error(
        "C524", f"the patch `{name}` matches nothing: `{variant.name}` has no {wanted}", span, hint
    )
