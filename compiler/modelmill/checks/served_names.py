"""C519: a name is served once behind a route, or requests reach whichever model comes first.

Names of adapters are among them: a request says one as it would say a model's. Where a header tells
models apart by name, names are what tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, meet
from modelmill.diagnostics import Diagnostic, Note, Span, error

HINT = "give one of them another `model.name`, or tell them apart by `routing.route`"


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[object, list[tuple[Facts, Span]]] = {}
    for facts in fleet:
        if facts.gateway is None:
            continue
        for name, span in facts.names:
            for match, _ in facts.matches:
                known = owners.setdefault((facts.gateway, match, name), [])
                for owner, first in known:
                    if owner.model != facts.model and meet(owner, facts):
                        yield _twice(owner, first, facts, span, name)
                known.append((facts, span))


def _twice(owner: Facts, first: Span, facts: Facts, span: Span, name: str) -> Diagnostic:
    assert facts.gateway is not None
    return error(
        "C519",
        f"`{facts.model}` and `{owner.model}` serve the same name `{name}` "
        f"on the gateway `{facts.gateway[2]}`",
        span,
        _hint(owner, facts, name),
        [Note(f"`{owner.model}` serves it here", first)],
    )


def _hint(owner: Facts, facts: Facts, name: str) -> str:
    for one, other in ((owner, facts), (facts, owner)):
        if other.model in {each.model for each in one.split}:
            return (
                f"`{one.model}` sends `{other.model}` its part: unset the latter's `gateway.name`"
            )
    if name in (owner.served_name, facts.served_name):
        return HINT
    return "give one of the adapters another name"
