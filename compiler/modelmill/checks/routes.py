"""C520: two routes on a gateway must not match the same requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, meet
from modelmill.diagnostics import Diagnostic, Note, Span, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[object, list[tuple[Facts, Span]]] = {}
    for facts in fleet:
        if facts.gateway is not None:
            yield from _first(owners, facts)
            for match, span in facts.matches:
                owners.setdefault((facts.gateway, match), []).append((facts, span))


def _first(owners: dict[object, list[tuple[Facts, Span]]], facts: Facts) -> Iterable[Diagnostic]:
    """The first rule of the route that an earlier route has as well."""
    for match, span in facts.matches:
        for owner, first in owners.get((facts.gateway, match), ()):
            if _collide(owner, facts):
                return [_collision(owner, first, facts, span)]
    return []


def _collide(owner: Facts, facts: Facts) -> bool:
    if not meet(owner, facts):
        return False
    if owner.model == facts.model:
        # In one namespace the two are one object, which C518 says.
        return owner.place != facts.place
    tell_apart = owner.by_name or facts.by_name
    return not tell_apart and owner.served_name != facts.served_name


def _collision(owner: Facts, first: Span, facts: Facts, span: Span) -> Diagnostic:
    assert facts.gateway is not None
    whose = f"`{facts.model}` and `{owner.model}`"
    hint = "tell them apart by `routing.route`: a header, a host name or a path"
    if owner.model == facts.model:
        whose = f"`{facts.model}` in `{owner.environment}` and in `{facts.environment}`"
        hint = "give each environment a Gateway, or a host name of its own"
    return error(
        "C520",
        f"the routes of {whose} match the same requests on the gateway `{facts.gateway[2]}`",
        span,
        hint,
        [Note(f"`{owner.model}` attaches here", first)] if first != span else [],
    )
