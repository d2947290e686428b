"""C545, C562: models that share one served name by weight answer to the same names, in the same
way, behind the same kind of gateway, and know the same objectives.

That they are where the route is, `coverage` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, Split
from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.names import child_name


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
    if other.provider != facts.provider:
        one, another = (facts, other) if facts.provider else (other, facts)
        unlike = f"`{another.provider}`" if another.provider else "unknown"
        yield error(
            "C545",
            f"the Gateway's provider is `{one.provider}` to `{one.model}`, and {unlike} to "
            f"`{another.model}`",
            part.span,
            "set `routing.gateway.provider` of both; the one without a route leaves out its `name`",
            note,
        )
    for key in part.objectives if part.weight else ():
        yield from _objective(facts, part, other, key)
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


def _objective(facts: Facts, part: Split, other: Facts, key: str) -> Iterable[Diagnostic]:
    """A picker knows the objectives of its own pool; the route knows what they are called unless
    they are given another name."""
    name = other.objectives.get(key)
    note = [Note(f"`{other.model}` is here", other.name_span)]
    if name is None:
        yield error(
            "C562",
            f"`{other.model}` has no objective `{key}`, and takes a part of its requests",
            part.span,
            f"give it `routing.objectives.{key}` too",
            note,
        )
    elif name != child_name(other.model, key):
        yield error(
            "C562",
            f"the objective `{key}` of `{other.model}` is called `{name}`, which the route of "
            f"`{facts.model}` does not know",
            part.span,
            "leave out its `name`",
            note,
        )
