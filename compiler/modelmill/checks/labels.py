"""C526: labels that identify objects are the compiler's own, and cannot be set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, error
from modelmill.names import FROZEN
from modelmill.variant import Variant

Place = tuple[str, ...]


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, labels in _said(variant):
        for label in labels:
            if label in FROZEN:
                yield error(
                    "C526",
                    f"the label `{label}` is set by modelmill, which selects objects by it",
                    variant.key_span_of(*place, "labels", label),
                    "choose another label",
                )
    written = variant.model.node.nearest("metadata", "labels")
    for label in FROZEN & variant.model.record.metadata.labels.keys():
        yield error(
            "C526",
            f"the label `{label}` is set by modelmill, which selects objects by it",
            written.nearest(label).key_span,
            "choose another label",
        )


def _said(variant: Variant) -> Iterable[tuple[Place, Mapping[str, str]]]:
    """Labels people wrote, by the place of the mapping that holds them."""
    for key, role in variant.roles.items():
        for part in ("metadata", "pod", "podMonitor"):
            record = {"metadata": role.metadata, "pod": role.pod, "podMonitor": role.pod_monitor}[
                part
            ]
            if record is not None:
                yield ("roles", key, part), record.labels
    if variant.route.metadata is not None:
        yield ("routing", "route", "metadata"), variant.route.metadata.labels
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.metadata is not None:
        yield ("routing", "scheduler", "metadata"), scheduler.metadata.labels
    if scheduler is not None and scheduler.pod is not None:
        yield ("routing", "scheduler", "pod"), scheduler.pod.labels
