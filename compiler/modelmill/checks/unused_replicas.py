"""C560: a number of replicas in a model's file has a use in some environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, Span, warning


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    used: set[Span] = set()
    unused: dict[Span, tuple[str, Span]] = {}
    for facts in fleet:
        for each in facts.replicas:
            if each.scaler is None:
                used.add(each.span)
            else:
                unused.setdefault(each.span, (each.role, each.scaler))
    for span, (role, scaler) in unused.items():
        if span not in used:
            yield warning(
                "C560",
                f"`replicas` of `{role}` are left to its scaler in every environment",
                span,
                "take the number out, or the scaler: `autoscaling: null`",
                [Note("its scaler is here", scaler)],
            )
