"""DestinationRules by which an Istio Gateway speaks TLS to the model's endpoint picker, and to the
pods of its pool where these serve so.

Only for the provider `istio`. A picker without a certificate of its own makes one when it starts,
which nobody can verify (llm-d/llm-d-router, its chart); pods are reached by addresses, which no
certificate names. Upstream: networking.istio.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names, tls
from modelmill.names import child_name
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

COMPONENT = "epp"
CLIENT_TLS = {"mode": "SIMPLE", "insecureSkipVerify": True}


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.gateway_provider != "istio" or variant.scheduler is None:
        return
    yield _rule(variant, variant.picker_name, COMPONENT, variant.picker_service)
    if tls.tls_of(variant) is not None:
        pool = tls.pool_service(variant.pool_name(variant.name))
        yield _rule(variant, child_name(variant.name, "pool"), "model", pool)


def _rule(variant: Variant, name: str, component: str, service: str) -> Resource:
    return resource(
        variant.versions.apis["DestinationRule"],
        "DestinationRule",
        name,
        labels=names.labels(variant.name, component, variant.labels),
        spec={"host": _host(variant, service), "trafficPolicy": {"tls": CLIENT_TLS}},
    )


def _host(variant: Variant, service: str) -> str:
    """Without an environment the short name, which Istio reads in the rule's own namespace."""
    if variant.namespace is None:
        return service
    return f"{service}.{variant.namespace}.svc.cluster.local"
