"""C587: settings of KServe stand in an environment that is written for it."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, error


def check(overlay: Document) -> Iterable[Diagnostic]:
    record = overlay.record
    if record.kserve is not None and record.target != "kserve":
        yield error(
            "C587",
            f"`{overlay.name}` says how resources of KServe are written, and has none",
            overlay.node.nearest("kserve").key_span,
            "set `target: kserve`, or take it out",
        )
