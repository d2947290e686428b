"""C569: Secrets that an environment makes for its models get a key."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, error

PLACE = "externalSecrets"


def check(overlay: Document) -> Iterable[Diagnostic]:
    for name, record in overlay.record.external_secrets.items():
        if not record.data and not record.extract:
            span = overlay.node.nearest(PLACE, name).key_span
            yield error("C569", f"the Secret `{name}` gets no key", span, "set `data` or `extract`")
