"""C542: two workloads of a namespace know their pods by labels that one pod may have.

Names that modelmill gives never overlap; labels of adopted workloads may: each controller would
take the other's pods for its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts, Selected
from modelmill.diagnostics import Diagnostic, Note, warning

Adopted = tuple[Facts, Selected]


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    places: dict[tuple[str, str], list[Adopted]] = {}
    for facts in fleet:
        for each in facts.adopted:
            places.setdefault(facts.place, []).append((facts, each))
    for group in places.values():
        yield from _judge(group)


def _judge(group: Sequence[Adopted]) -> Iterable[Diagnostic]:
    having: dict[tuple[str, str], list[int]] = {}
    for index, (_, selected) in enumerate(group):
        for label in selected.pod_labels.items():
            having.setdefault(label, []).append(index)
    told = set()
    for index, (_, selected) in enumerate(group):
        # Only pods that have its rarest label can match all of them.
        for other in min((having[label] for label in selected.labels.items()), key=len):
            pair = (min(index, other), max(index, other))
            matches = selected.labels.items() <= group[other][1].pod_labels.items()
            if index != other and matches and pair not in told:
                told.add(pair)
                yield _overlap(*(group[i] for i in pair))


def _overlap(first: Adopted, second: Adopted) -> Diagnostic:
    (one, kept), (other, found) = first, second
    return warning(
        "C542",
        f"`{found.workload}` of `{other.model}` and `{kept.workload}` of `{one.model}` know their "
        f"pods by the same labels in the namespace `{one.place[1]}`",
        found.span,
        "move one to another namespace, or leave out `selector` and let its pods be replaced",
        [Note("the other is here", kept.span)],
    )
