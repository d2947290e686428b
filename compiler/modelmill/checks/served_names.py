"""C519: served names are unique on a gateway, or a request reaches whichever model matches first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[tuple[tuple[str, str, str], str], Facts] = {}
    for facts in fleet:
        if facts.gateway is None:
            continue
        owner = owners.setdefault((facts.gateway, facts.served_name), facts)
        if owner.model != facts.model:
            yield error(
                "C519",
                f"`{facts.model}` and `{owner.model}` serve the same name `{facts.served_name}` "
                f"on the gateway `{facts.gateway[2]}`",
                facts.name_span,
                "give one of them another `model.name`",
                [Note(f"`{owner.model}` serves it here", owner.name_span)],
            )
