"""C518: two models must not generate the same object in one namespace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[tuple[str, str, str, str], Facts] = {}
    for facts in fleet:
        for kind, name in facts.objects:
            owner = owners.setdefault((*facts.place, kind, name), facts)
            if owner.model != facts.model:
                yield error(
                    "C518",
                    f"`{facts.model}` and `{owner.model}` both generate the {kind} `{name}` "
                    f"in namespace `{facts.place[1]}`",
                    facts.model_span,
                    "rename one of the models",
                    [Note(f"`{owner.model}` is here", owner.model_span)],
                )
