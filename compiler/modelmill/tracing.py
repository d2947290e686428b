"""OpenTelemetry settings of everything that handles a request.

In: a variant and who sends traces. Out: its environment. Variables and their order are those of the
OpenTelemetry SDKs, as the llm-d charts set them.
"""

from __future__ import annotations

from typing import Any

from modelmill.variant import Variant

FLAG = "tracing"
"""What the endpoint picker and the routing sidecar call it."""


def env(variant: Variant, service: str) -> dict[str, Any]:
    """Environment of a role's engine, of `routing-proxy` or of `epp`; nothing without tracing."""
    tracing = variant.spec.tracing
    if tracing is None:
        return {}
    name = tracing.service_names.get(service) or f"{variant.name}-{service}"
    return {
        "OTEL_SERVICE_NAME": name,
        "OTEL_EXPORTER_OTLP_ENDPOINT": tracing.endpoint,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_TRACES_SAMPLER": tracing.sampler,
        "OTEL_TRACES_SAMPLER_ARG": tracing.sampler_argument,
    }


def flags(variant: Variant, component: str) -> dict[str, Any]:
    """The flag with which a component of the version set traces, where it has one."""
    known = variant.versions.components[component].flags
    return {FLAG: True} if variant.spec.tracing is not None and FLAG in known else {}
