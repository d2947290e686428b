"""C518: no two objects of one namespace share kind and name; one would overwrite the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.checks.facts import Facts
from modelmill.diagnostics import Diagnostic, Note, error


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    clusters: dict[str, dict[tuple[str, str, str], Facts]] = {}
    for facts in fleet:
        owners = clusters.setdefault(facts.place[0], {})
        # Hardly any of a hundred thousand objects collides: a model's are asked for all at once.
        mine = dict.fromkeys(facts.objects, facts)
        if len(mine) == len(facts.objects) and owners.keys().isdisjoint(mine):
            owners.update(mine)
            continue
        for each in facts.objects:
            owner = owners.get(each)
            if owner is None:
                owners[each] = facts
            else:
                kind, name, namespace = each
                yield _collision(owner, facts, f"the {kind} `{name}`", namespace)


def _collision(owner: Facts, facts: Facts, what: str, namespace: str) -> Diagnostic:
    where = f"in the namespace `{namespace}`"
    if owner.model != facts.model:
        return error(
            "C518",
            f"`{facts.model}` and `{owner.model}` both generate {what} {where}",
            facts.model_span,
            "rename one of the models, or the role that the name comes from",
            [Note(f"`{owner.model}` is here", owner.model_span)],
        )
    if owner.environment != facts.environment:
        return error(
            "C518",
            f"the environments `{owner.environment}` and `{facts.environment}` put the same models "
            f"{where.replace('in', 'into', 1)} of the cluster `{facts.place[0]}`",
            facts.place_span,
            "give them namespaces of their own, or let their selectors take different models",
            [
                Note(f"the namespace of `{owner.environment}`", owner.place_span),
                Note(f"both take `{facts.model}`", facts.model_span),
            ],
        )
    return error(
        "C518",
        f"`{facts.model}` has {what} twice {where}",
        facts.model_span,
        "rename the extra object; to change a generated one, use a patch of the overlay",
    )
