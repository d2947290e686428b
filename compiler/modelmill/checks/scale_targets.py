"""C550: one workload has one scaler; two would undo each other's work for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, Scaled
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    owners: dict[tuple[object, ...], tuple[Facts, Scaled]] = {}
    for facts in fleet:
        for each in facts.scaled:
            first = owners.setdefault((facts.place, each.workload), (facts, each))
            if first[1] is not each:
                yield _two(each, first[1], facts)


def _two(second: Scaled, first: Scaled, facts: Facts) -> Diagnostic:
    kind, name = second.workload
    return error(
        "C550",
        f"the {second.scaler[0]} `{second.scaler[1]}` scales the {kind} `{name}` "
        f"in the namespace `{facts.place[1]}`, and so does another",
        second.span,
        "keep one of them",
        [Note(f"the {first.scaler[0]} `{first.scaler[1]}` is here", first.span)],
    )
