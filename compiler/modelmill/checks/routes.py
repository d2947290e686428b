"""C520: two routes on a gateway must not match the same requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from modelmill.checks.facts import Facts, Match, meet
from modelmill.diagnostics import Diagnostic, Note, Span, error

Owner = tuple[int, Facts, Span]
"""A rule's place in the fleet, whose it is, and where it is written."""


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[object, list[Owner]] = {}
    for place, facts in enumerate(fleet):
        if facts.gateway is not None:
            yield from _first(owners, facts)
            for match, span in facts.matches:
                for key in _keys(facts, match):
                    owners.setdefault(key, []).append((place, facts, span))


def _keys(facts: Facts, match: Match) -> Iterator[object]:
    """Under what a rule is found by rules that it can collide with: those of its own model, and, if
    neither is told apart by name, those of any. Thousands may be behind one Gateway."""
    yield facts.gateway, match, facts.model
    if not facts.by_name:
        yield facts.gateway, match


def _first(owners: Mapping[object, Sequence[Owner]], facts: Facts) -> Iterable[Diagnostic]:
    """The first rule of the route that an earlier route has as well."""
    for match, span in facts.matches:
        known = (owners.get(key, ()) for key in _keys(facts, match))
        found = [next((o for o in each if _collide(o[1], facts)), None) for each in known]
        earlier = [each for each in found if each is not None]
        if earlier:
            _, owner, first = min(earlier, key=lambda each: each[0])
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
