"""C520: two routes on a gateway must not match the same requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[tuple[object, ...], Facts] = {}
    for facts in fleet:
        if facts.gateway is None or facts.by_name:
            continue
        owner = owners.setdefault((facts.gateway, facts.matches), facts)
        if owner.model != facts.model and owner.served_name != facts.served_name:
            yield error(
                "C520",
                f"the routes of `{facts.model}` and `{owner.model}` match the same requests "
                f"on the gateway `{facts.gateway[2]}`",
                facts.route_span,
                "tell them apart by `routing.route`: a header, a host name or a path",
                [Note(f"`{owner.model}` attaches here", owner.route_span)],
            )
