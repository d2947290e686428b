"""C536, C576: pods ask for nothing that a server refuses, of any pod or of those of a namespace.

In: a variant, and its objects before and after last-mile patches. Out: findings, each at the place
of the input that the pod's field comes from. What is judged is what is emitted, so that no field,
preset, extra object or patch gets past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from modelmill import pod_parts
from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.pod_places import key_of, origin, owners
from modelmill.pod_security import Level, Refusal, held_to, refusals, templates_of
from modelmill.pod_security import told as sentence
from modelmill.registries import POD_SPECS
from modelmill.resource import Resource
from modelmill.variant import Variant

T = TypeVar("T")
Pairs = Sequence[tuple[Resource, Resource]]
"""Objects with pods, each before and after patches."""
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
    pairs = zip(before, after, strict=True)
    with_pods = [(old, new) for old, new in pairs if new.kind in POD_SPECS]
    yield from _parts(variant, with_pods, patch_of)
    yield from _security(variant, with_pods, patch_of)


def _parts(
    variant: Variant, pairs: Pairs, patch_of: Callable[[Resource], Span]
) -> Iterator[Diagnostic]:
    for old, new in pairs:
        found = _faults(variant, new)
        if not found or _is_as_written(variant, old):
            continue
        written = _faults(variant, old)
        for part, fault in found:
            is_patched = (part, fault) not in written
            span = patch_of(old) if is_patched else key_of(variant, old, part, *fault.paths)
            yield error("C576", fault.what, span, fault.hint)


def _is_as_written(variant: Variant, resource: Resource) -> bool:
    """Whether nothing is derived that could be in the way of what people wrote, or what runs."""
    owner, *_ = owners(variant, resource, "")
    return owner[0] == "extraObjects" or (owner[0] == "roles" and variant.is_bare(owner[1]))


def _faults(variant: Variant, resource: Resource) -> tuple[tuple[str, pod_parts.Fault], ...]:
    """Of each part of an object's pods; once for environments that share the object, or a template
    of one that they do not."""

    def make() -> tuple[tuple[str, pod_parts.Fault], ...]:
        beside = pod_parts.claims_beside(resource)
        return tuple(
            (part, fault)
            for part, template in templates_of(resource)
            if part != REQUESTED
            for fault in variant.once(
                ("pod parts", template, *beside), partial(_all, pod_parts.faults, template, beside)
            )
        )

    return variant.once(("pods", resource), make)


def _security(
    variant: Variant, pairs: Pairs, patch_of: Callable[[Resource], Span]
) -> Iterator[Diagnostic]:
    overlay = variant.overlay
    if overlay is None:
        return
    level = held_to(overlay.record, variant.name)
    if level not in REFUSABLE:
        return
    for old, new in pairs:
        if old.body["metadata"].get("namespace", variant.namespace) != variant.namespace:
            continue
        for part, refusal in _refused(variant, new, level):
            is_patched = (part, refusal) not in _refused(variant, old, level)
            written_at = origin(variant, old, part, refusal.path)
            span = patch_of(old) if is_patched else written_at
            told = Note(f"`{overlay.name}` enforces {level}", _said(variant))
            yield _finding(refusal, level, span, told, is_patched=is_patched)


def _refused(variant: Variant, resource: Resource, level: Level) -> tuple[tuple[str, Refusal], ...]:
    """Of each part of an object's pods; once, as their faults."""

    def make() -> tuple[tuple[str, Refusal], ...]:
        return tuple(
            (part, refusal)
            for part, template in templates_of(resource)
            for refusal in variant.once(
                ("pod security", level, template), partial(_all, refusals, template, level)
            )
        )

    return variant.once(("pods under", level, resource), make)


def _all(find: Callable[..., Iterable[T]], *about: object) -> tuple[T, ...]:
    return tuple(find(*about))


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
