"""C516, C517: extra objects must be Kubernetes objects, and hold no secret values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelmill.diagnostics import Diagnostic, error
from modelmill.regexes import regex
from modelmill.variant import Variant

READS = "extra_objects"
# What kustomize and the API server take as a name; RBAC objects may hold a colon.
_is_name = regex(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
STRINGS = frozenset({str})


def check(variant: Variant) -> Iterable[Diagnostic]:
    for name, body in variant.spec.extra_objects.items():
        span = variant.key_span_of("extraObjects", name)
        fault = _fault(body)
        if fault:
            yield error(
                "C516",
                f"the extra object `{name}` {fault}",
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


def _fault(body: dict[str, Any]) -> str:
    metadata = body.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    missing = [f"`{key}`" for key in ("apiVersion", "kind") if not _is_text(body.get(key))]
    if not _is_text(named.get("name")):
        missing.append("`metadata.name`")
    if missing:
        return f"has no {' and no '.join(missing)}"
    if body["kind"].endswith("List") and "items" in body:
        return "is a list of objects: write each as one of its own"
    if not _is_name.fullmatch(named["name"]):
        return f"has a name that Kubernetes does not take: `{named['name']}`"
    return fault_of_metadata(named)


def fault_of_metadata(metadata: dict[str, Any]) -> str:
    """What kustomize cannot read in an object's metadata; "" if it can."""
    if not isinstance(metadata.get("namespace", ""), str):
        return "has a namespace that is not a string"
    for part in ("labels", "annotations"):
        entries = metadata.get(part, {})
        if not isinstance(entries, dict) or not STRINGS.issuperset(map(type, entries.values())):
            return f"has {part} that are not strings by name"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
