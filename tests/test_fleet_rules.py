"""Rules about all models find, asked in bulk, what comparing each with each would."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from modelmill.checks import object_names, routes
from modelmill.checks.facts import Facts, Match, meet
from modelmill.diagnostics import Span

NAMES = st.sampled_from("abc")
MATCHES = st.lists(
    st.builds(Match, st.sampled_from(["", "a.example"]), st.sampled_from(["/", "/b"]), st.just(())),
    min_size=1,
    max_size=2,
)


@st.composite
def fleets(draw: st.DrawFn) -> list[Facts]:
    return [_facts(draw, number) for number in range(draw(st.integers(0, 8)))]


def _facts(draw: st.DrawFn, number: int) -> Facts:
    span = Span("models/any.yaml", number + 1, 1)
    return Facts(
        model=draw(NAMES),
        environment=draw(st.sampled_from(["dev", "prod"])),
        place=("cluster", draw(NAMES)),
        objects=tuple(draw(st.lists(st.tuples(st.just("Service"), NAMES, NAMES), max_size=3))),
        served_name=draw(NAMES),
        gateway=draw(st.sampled_from([None, ("cluster", "", "web")])),
        section=draw(st.sampled_from([None, "one", "two"])),
        matches=tuple((each, span) for each in draw(MATCHES)),
        model_span=span,
        name_span=span,
        place_span=span,
        route_span=span,
        by_name=draw(st.booleans()),
    )


@given(fleets())
def test_routes_collide_with_the_first_before_them_that_matches_the_same(
    fleet: list[Facts],
) -> None:
    expected = [(facts.model_span.line, owner) for facts, owner in _colliding(fleet)]
    found = [
        (each.span.line if each.span else 0, _first_place(each)) for each in routes.check(fleet)
    ]
    assert found == expected


def _first_place(found: object) -> int:
    notes = getattr(found, "notes", ())
    return int(notes[0].span.line) if notes else 0


def _colliding(fleet: list[Facts]) -> Iterator[tuple[Facts, int]]:
    for number, facts in enumerate(fleet):
        pairs = (
            owner.model_span.line
            for match, _ in facts.matches
            for owner in fleet[:number]
            for other, _ in owner.matches
            if facts.gateway is not None and (facts.gateway, match) == (owner.gateway, other)
            if meet(owner, facts) and _is_alike(owner, facts)
        )
        first = next(pairs, None)
        if first is not None:
            yield facts, first


def _is_alike(owner: Facts, facts: Facts) -> bool:
    if owner.model == facts.model:
        return owner.place != facts.place
    apart = owner.by_name or facts.by_name
    return not apart and owner.served_name != facts.served_name


@given(fleets())
def test_an_object_that_is_there_already_is_found_each_time(fleet: list[Facts]) -> None:
    objects = [(facts.place[0], each) for facts in fleet for each in facts.objects]
    assert len(list(object_names.check(fleet))) == len(objects) - len(set(objects))
