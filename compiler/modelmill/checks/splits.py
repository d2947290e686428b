"""C545: models that share one served name by weight answer to the same names, in the same way.

That they are where the route is, `coverage` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, Split
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    known = {(facts.environment, facts.model): facts for facts in fleet}
    for facts in fleet:
        for part in facts.split:
            other = known.get((facts.environment, part.model))
            if other is not None and other is not facts:
                yield from _judge(facts, part, other)


def _judge(facts: Facts, part: Split, other: Facts) -> Iterable[Diagnostic]:
    note = [Note(f"`{other.model}` is here", other.name_span)]
    answered = {name for name, _ in other.names}
    missing = [name for name, _ in facts.names if name not in answered]
    if missing and part.weight:
        yield error(
            "C545",
            f"`{other.model}` does not serve `{missing[0]}`, and takes a part of its requests",
            part.span,
            "give it the same `model.name`, and adapters of the same names",
            note,
        )
    if other.backend[0] != facts.backend[0]:
        one, another = sorted((facts, other), key=lambda each: each.backend[0])
        yield error(
            "C545",
            f"`{one.model}` has an endpoint picker and `{another.model}` has none: a route leads "
            "to both alike",
            part.span,
            "give both a `routing.scheduler.config`, or neither",
            note,
        )
    elif other.backend != facts.backend:
        yield error(
            "C545",
            f"`{facts.model}` is served on port {facts.backend[1]}, and `{other.model}` on port "
            f"{other.backend[1]}",
            part.span,
            "give both the same `routing.port`",
            note,
        )
