"""What must hold of a variant's objects, whatever made them: a field, an extra object or a patch.

In: objects before and after last-mile patches. Out: findings. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.diagnostics import Diagnostic, error
from modelmill.resource import Resource
from modelmill.variant import Variant

LOCAL_CONFIG = "config.kubernetes.io/local-config"


def judge(
    variant: Variant, before: Sequence[Resource], after: Sequence[Resource]
) -> Iterable[Diagnostic]:
    """`after` is `before` with the overlay's patches applied, in the same order."""
    for old, new in zip(before, after, strict=True):
        if _identity(new.body) != old.identity:
            assert variant.overlay is not None
            yield error(
                "C525",
                f"a patch gives {old.kind} `{old.name}` another apiVersion, kind or name",
                variant.overlay.node.nearest("patches").key_span,
                "name the object in `extraObjects` instead, or rename the model",
            )
        elif LOCAL_CONFIG in (new.body["metadata"].get("annotations") or {}):
            yield error(
                "C525",
                f"{new.kind} `{new.name}` has the annotation `{LOCAL_CONFIG}`, "
                "for which kustomize drops it",
                variant.model.span,
                "remove the annotation",
            )


def _identity(body: object) -> tuple[object, object, object] | None:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(metadata, dict):
        return None
    return (body.get("apiVersion"), body.get("kind"), metadata.get("name"))
