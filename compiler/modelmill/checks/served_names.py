"""C519: a name is served once behind a route, or requests reach whichever model comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[tuple[object, ...], Facts] = {}
    for facts in fleet:
        if facts.gateway is None:
            continue
        owner = owners.setdefault((facts.gateway, facts.matches, facts.served_name), facts)
        if owner.model != facts.model:
            yield error(
                "C519",
                f"`{facts.model}` and `{owner.model}` serve the same name `{facts.served_name}` "
                f"on the gateway `{facts.gateway[2]}`",
                facts.name_span,
                "give one of them another `model.name`, or tell them apart by `routing.route`",
                [Note(f"`{owner.model}` serves it here", owner.name_span)],
            )
