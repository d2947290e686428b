"""GCPBackendPolicy of a GKE Gateway: the request timeout, and that its load balancer logs.

Only for the provider `gke`, whose own timeout is 30 seconds and whose routes take none. Upstream:
networking.gke.io/v1, as llm-d's router chart has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import given
from modelmill.promql import milliseconds
from modelmill.resource import Resource, resource
from modelmill.routes import backend_ref
from modelmill.variant import Variant

# The Compute API's greatest timeoutSec of a backend service.
LONGEST_SECONDS = 2_147_483_647


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.gateway_provider != "gke":
        return
    yield resource(
        variant.versions.apis["GCPBackendPolicy"],
        "GCPBackendPolicy",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "targetRef": backend_ref(variant),
            "default": {
                **given(timeoutSec=_seconds(variant.route.timeout)),
                "logging": {"enabled": True},
            },
        },
    )


def _seconds(duration: str | None) -> int | None:
    """A duration in whole seconds, at least one; none at all is the longest there is."""
    if duration is None:
        return None
    return min(-(-milliseconds(duration) // 1000) or LONGEST_SECONDS, LONGEST_SECONDS)
