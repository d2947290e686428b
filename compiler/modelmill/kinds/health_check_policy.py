"""HealthCheckPolicy of a GKE Gateway: by what its load balancer knows that a pod is well.

Only for the provider `gke`, whose own check asks for `/`, which engines do not answer. Upstream:
networking.gke.io/v1, as llm-d's router chart has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names, tls
from modelmill.resource import Resource, resource
from modelmill.routes import backend_ref
from modelmill.variant import Variant

SECONDS = 2
PATH = "/health"


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.gateway_provider != "gke":
        return
    scheme = tls.scheme(variant)
    yield resource(
        variant.versions.apis["HealthCheckPolicy"],
        "HealthCheckPolicy",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "targetRef": backend_ref(variant),
            "default": {
                "checkIntervalSec": SECONDS,
                "timeoutSec": SECONDS,
                "config": {
                    "type": scheme.upper(),
                    f"{scheme}HealthCheck": {"requestPath": PATH, "port": variant.routing.port},
                },
            },
        },
    )
