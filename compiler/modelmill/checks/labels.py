"""C526: labels that identify objects are the compiler's own, and cannot be set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, Span, error
from modelmill.names import FROZEN
from modelmill.spec.pod import Metadata, Pod
from modelmill.spec.role import PodMonitor
from modelmill.variant import Variant

READS = (
    "defaults metadata model pod pod_monitor routing.route routing.scheduler.config "
    "routing.scheduler.metadata routing.scheduler.pod routing.scheduler.pod_monitor "
    "routing.scheduler.tokenizer worker"
)
Place = tuple[str, ...]


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, labels in _said(variant):
        for label in sorted(FROZEN & labels.keys()):
            yield _refused(label, variant.key_span_of(*place, "labels", label))
    written = variant.model.node.nearest("metadata", "labels")
    for label in sorted(FROZEN & variant.model.record.metadata.labels.keys()):
        yield _refused(label, written.nearest(label).key_span)


def _refused(label: str, span: Span) -> Diagnostic:
    return error(
        "C526",
        f"the label `{label}` is set by modelmill, which knows its objects by it",
        span,
        "choose another label",
    )


def _said(variant: Variant) -> Iterable[tuple[Place, Mapping[str, str]]]:
    """Labels people wrote, by the place of the mapping that holds them."""
    for key, role in variant.roles.items():
        if variant.is_bare(key):
            # None is set for them.
            continue
        yield from _of(
            ("roles", key), metadata=role.metadata, pod=role.pod, podMonitor=role.pod_monitor
        )
        if role.worker is not None:
            yield from _of(("roles", key, "worker"), pod=role.worker.pod)
    yield from _of(("routing", "route"), metadata=variant.route.metadata)
    cache = variant.spec.model.cache
    if cache is not None and cache.download is not None:
        yield from _of(("model", "cache", "download"), pod=cache.download.pod)
    picker = variant.scheduler
    if picker is not None:
        yield from _of(
            ("routing", "scheduler"),
            metadata=picker.metadata,
            pod=picker.pod,
            podMonitor=picker.pod_monitor,
        )
    if picker is not None and picker.tokenizer is not None:
        beside = picker.tokenizer
        place = ("routing", "scheduler", "tokenizer")
        yield from _of(place, metadata=beside.metadata, pod=beside.pod)


def _of(
    place: Place, **parts: Metadata | Pod | PodMonitor | None
) -> Iterable[tuple[Place, Mapping[str, str]]]:
    for part, record in parts.items():
        if record is not None:
            yield (*place, part), record.labels
