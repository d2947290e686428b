"""C516, C517: extra objects must be Kubernetes objects, and hold no secret values."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    for name, body in variant.spec.extra_objects.items():
        span = variant.key_span_of("extraObjects", name)
        metadata = body.get("metadata")
        missing = [
            f"`{key}`" for key in ("apiVersion", "kind") if not isinstance(body.get(key), str)
        ]
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            missing.append("`metadata.name`")
        if missing:
            yield error(
                "C516",
                f"the extra object `{name}` has no {' and no '.join(missing)}",
                span,
                "write it as `kubectl apply` would take it",
            )
        elif body["kind"] == "Secret" and (body.get("data") or body.get("stringData")):
            yield error(
                "C517",
                f"the extra object `{name}` holds a secret's value",
                span,
                "keep secrets out of Git: refer to one, or use an ExternalSecret",
            )
