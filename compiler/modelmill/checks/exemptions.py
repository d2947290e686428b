"""C570: an exemption from pod security lets a model be more than its environment allows."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, Note, warning
from modelmill.pod_security import weakest

PLACE = "podSecurityExemptions"
HINT = "take it out"


def check(overlay: Document) -> Iterable[Diagnostic]:
    own = overlay.record.pod_security
    for name, exemption in overlay.record.pod_security_exemptions.items():
        node = overlay.node.nearest(PLACE, name)
        if own is None:
            message = f"`{name}` is exempt, and `{overlay.name}` enforces nothing"
            yield warning("C570", message, node.key_span, "set `podSecurity`, or take it out")
        elif weakest([own, exemption.level]) == own:
            yield warning(
                "C570",
                f"`{name}` is exempt up to {exemption.level}, which {own} allows anyway",
                node.nearest("level").span,
                HINT,
                [
                    Note(
                        f"`{overlay.name}` enforces {own}", overlay.node.nearest("podSecurity").span
                    )
                ],
            )
