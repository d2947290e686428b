"""C536, C576: pods ask for nothing that a server refuses, of any pod or of those of a namespace.

In: a variant, and its objects before and after last-mile patches. Out: findings, each at the place
of the input that the pod's field comes from. What is judged is what is emitted, so that no field,
preset, extra object or patch gets past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelmill import pod_parts
from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.pod_places import key_of, origin, owners
from modelmill.pod_security import Level, Refusal, held_to, refusals, templates_of
from modelmill.pod_security import told as sentence
from modelmill.resource import Resource
from modelmill.variant import Variant

REFUSABLE = ("baseline", "restricted")
EXEMPT = "or exempt the model under `podSecurityExemptions` of the environment"
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
                span = patch_of(old) if is_patched else key_of(variant, old, part, *fault.paths)
                yield error("C576", fault.what, span, fault.hint)


def _is_as_written(variant: Variant, resource: Resource) -> bool:
    """Whether nothing is derived that could be in the way of what people wrote, or what runs."""
    owner, *_ = owners(variant, resource, "")
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
                written_at = origin(variant, old, part, refusal.path)
                span = patch_of(old) if is_patched else written_at
                yield _finding(refusal, level, span, told, is_patched=is_patched)


def _refused(variant: Variant, template: Any, level: Level) -> tuple[Refusal, ...]:
    """Environments share the templates in which they do not differ."""
    inputs = ("pod security", level, template)
    return variant.once(inputs, lambda: tuple(refusals(template, level)))


def _finding(
    refusal: Refusal, level: Level, span: Span, told: Note, *, is_patched: bool
) -> Diagnostic:
    mend = "set it" if refusal.is_missing else "take it out"
    in_patch = "leave it in" if refusal.is_missing else mend
    hint = in_patch if is_patched else f"{mend}, {EXEMPT}"
    return error("C536", sentence(refusal, level), span, hint, [told])


def _said(variant: Variant) -> Span:
    """Where the standard of the model is told."""
    assert variant.overlay is not None
    node = variant.overlay.node
    exempt = node.get("podSecurityExemptions", variant.name, "level")
    return (exempt or node.nearest("podSecurity")).span
