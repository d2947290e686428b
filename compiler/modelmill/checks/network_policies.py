"""C568: NetworkPolicies let in whoever the model's pods are there for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from modelmill import destinations
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.spec.network_policy import NetworkPolicy, Peer
from modelmill.variant import Variant
from modelmill.written import pods_written

PLACE = ("networkPolicy",)
EXAMPLE = "{prometheus: {namespace: monitoring}}"
# Its proxies are Google's, in a subnet of the VPC (GKE, Gateway with the class gke-l7-*).
OUTSIDE = "gke"


def check(variant: Variant) -> Iterable[Diagnostic]:
    policy = variant.spec.network_policy
    if policy is None:
        return
    yield from _peers(variant, policy)
    yield from _unreached(variant, policy)
    yield from _unwatched(variant, policy)
    for place, pod in pods_written(variant):
        if pod.host_network:
            yield warning(
                "C568",
                "no NetworkPolicy holds for pods on their node's network, or lets them in as the "
                "model's own",
                variant.span_of(*place, "hostNetwork"),
                "unset `networkPolicy` for this model, or take the pods off that network",
            )


def _peers(variant: Variant, policy: NetworkPolicy) -> Iterable[Diagnostic]:
    """The API server refuses a peer that names nobody, and the whole object with it."""
    for place, peer in _named(policy):
        if not destinations.peer(peer):
            span = variant.span_of(*PLACE, *place)
            hint = "set `namespace`, `namespaceSelector`, `podSelector` or `ipBlock`"
            yield error("C568", f"`{place[1]}` names nobody", span, hint)


def _named(policy: NetworkPolicy) -> Iterator[tuple[tuple[str | int, ...], Peer]]:
    named: dict[str, Mapping[str, Peer]] = {
        "gateway": policy.gateway,
        "clients": policy.clients,
        "monitoring": policy.monitoring,
    }
    for part, peers in named.items():
        for name, peer in peers.items():
            yield (part, name), peer
    for name, rule in policy.egress.items():
        for index, peer in enumerate(rule.to):
            yield ("egress", name, "to", index), peer


def _unreached(variant: Variant, policy: NetworkPolicy) -> Iterable[Diagnostic]:
    span = variant.key_span_of(*PLACE)
    if variant.gateway_provider == OUTSIDE and not policy.gateway:
        yield warning(
            "C568",
            "the Gateway's proxies and health checks are outside of the cluster, and no policy "
            "lets them in",
            span,
            "set `networkPolicy.gateway` to their addresses by `ipBlock`: the proxy-only subnet, "
            "130.211.0.0/22 and 35.191.0.0/16",
        )
    elif not destinations.gateway(variant, policy) and not policy.clients:
        yield warning(
            "C568",
            "nobody may send requests to the model's pods: it has no Gateway and no client",
            span,
            "set `routing.gateway`, or `networkPolicy.clients`",
        )
    for key, role in variant.roles.items():
        if role.dual_pods is not None and not policy.clients:
            yield warning(
                "C568",
                f"no policy lets the controller of dual pods reach the pods of `{key}` that serve",
                span,
                "name its namespace under `networkPolicy.clients`",
            )


def _unwatched(variant: Variant, policy: NetworkPolicy) -> Iterable[Diagnostic]:
    if policy.monitoring:
        return
    places = [
        ("roles", key, "podMonitor") for key, role in variant.roles.items() if role.pod_monitor
    ]
    places += [("routing", "service", "monitor")] if _of_service(variant) else []
    scheduler = variant.scheduler
    if scheduler is not None:
        monitors = {
            "podMonitor": scheduler.pod_monitor,
            "serviceMonitor": scheduler.service_monitor,
        }
        places += [("routing", "scheduler", each) for each, on in monitors.items() if on]
    for place in places:
        yield warning(
            "C568",
            "these pods are scraped, and no policy lets the scraper in",
            variant.key_span_of(*place),
            f"set `networkPolicy.monitoring`: {EXAMPLE}",
        )


def _of_service(variant: Variant) -> bool:
    service = variant.routing.service
    return service is not None and service.monitor is not None
