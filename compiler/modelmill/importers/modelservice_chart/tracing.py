"""OpenTelemetry tracing of engines and sidecar, where `tracing.enabled`.

In: a release. Out: environment and arguments (_helpers.tpl tracingEnv, vllmTracingArgs).
"""

from __future__ import annotations

from typing import Any

from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart.facts import Role, TracingFacts
from modelmill.importers.modelservice_chart.release import Release

_SERVICES: dict[str, str] = {"decode": "vllmDecode", "prefill": "vllmPrefill"}
SIDECAR = "routingProxy"


def is_on(release: Release) -> bool:
    return bool(release.get("tracing", "enabled"))


def environment(release: Release, role: Role | None) -> list[dict[str, Any]]:
    """Entries for a role's containers; for the sidecar where `role` is None."""
    if not is_on(release):
        return []
    service = SIDECAR if role is None else _SERVICES[role]
    values = {
        "OTEL_SERVICE_NAME": release.get("tracing", "serviceNames", service),
        "OTEL_EXPORTER_OTLP_ENDPOINT": release.get("tracing", "otlpEndpoint"),
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_TRACES_SAMPLER": release.get("tracing", "sampling", "sampler"),
        "OTEL_TRACES_SAMPLER_ARG": release.get("tracing", "sampling", "samplerArg"),
    }
    return [{"name": name, "value": written(value)} for name, value in values.items()]


def arguments(release: Release) -> list[str]:
    """Flags of an engine whose command the chart makes."""
    if not is_on(release):
        return []
    return [
        "--otlp-traces-endpoint",
        written(release.get("tracing", "otlpEndpoint")),
        "--collect-detailed-traces",
        written(release.get("tracing", "vllm", "collectDetailedTraces")),
    ]


def facts(release: Release) -> TracingFacts | None:
    if not is_on(release):
        return None
    return TracingFacts(
        endpoint=written(release.get("tracing", "otlpEndpoint")),
        sampler=written(release.get("tracing", "sampling", "sampler")),
        sampler_arg=written(release.get("tracing", "sampling", "samplerArg")),
        service_names={
            name: written(value)
            for name, value in (release.get("tracing", "serviceNames") or {}).items()
        },
        collect_detailed_traces=written(release.get("tracing", "vllm", "collectDetailedTraces")),
    )
