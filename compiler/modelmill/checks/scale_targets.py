"""C550, C558: one workload has one scaler, and one cluster one server of external metrics.

Two scalers of a workload would undo each other's work for ever. KEDA and a metrics adapter both
serve external.metrics.k8s.io, for which a cluster knows one APIService (KEDA's documentation of its
metrics server).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modelmill.checks.facts import Facts, Scaled
from modelmill.diagnostics import Diagnostic, Note, error

HPA = "HorizontalPodAutoscaler"


def check(fleet: Sequence[Facts]) -> Iterable[Diagnostic]:
    yield from _owners(fleet)
    yield from _made_by_keda(fleet)
    yield from _servers(fleet)


def _owners(fleet: Sequence[Facts]) -> Iterator[Diagnostic]:
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


def _made_by_keda(fleet: Sequence[Facts]) -> Iterator[Diagnostic]:
    """KEDA owns what it makes: under its name nothing else can be in Git."""
    made = {(f.place, each.made): each for f in fleet for each in f.scaled if each.made}
    for facts in fleet if made else ():
        for kind, name, namespace in facts.objects:
            owner = made.get(((facts.place[0], namespace), name))
            if kind == HPA and owner is not None:
                places = [each.span for each in facts.scaled if each.scaler == (kind, name)]
                yield error(
                    "C550",
                    f"KEDA makes the {HPA} `{name}` of a ScaledObject, and there is one already",
                    places[0] if places else facts.model_span,
                    "take it out, or give it another name",
                    [Note(f"the ScaledObject `{owner.scaler[1]}` is here", owner.span)],
                )


def _servers(fleet: Sequence[Facts]) -> Iterator[Diagnostic]:
    servers: dict[str, Scaled] = {}
    for facts in fleet:
        for each in facts.scaled:
            cluster = facts.place[0]
            first = servers.setdefault(cluster, each) if each.served else each
            if each.served != first.served:
                yield error(
                    "C558",
                    f"{each.served} would serve metrics to the {each.scaler[0]} "
                    f"`{each.scaler[1]}` in the cluster `{cluster}`, and {first.served} to another",
                    each.span,
                    "a cluster has one server of external metrics: scale all by keda, or none",
                    [Note(f"the {first.scaler[0]} `{first.scaler[1]}` is here", first.span)],
                )
