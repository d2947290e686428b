"""Traces: who sends them where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.record import EMPTY, Record, field


class Tracing(Record):
    """OpenTelemetry traces of engines, routing sidecar and endpoint picker."""

    noun = "tracing"
    misnomers = {
        "otlpEndpoint": "endpoint",
        "sampling": "sampler",
        "enabled": "",
        "samplerArg": "samplerArgument",
        "collectDetailedTraces": "detail",
    }

    endpoint: str = field("OTLP endpoint of a collector: http://otel-collector:4317.")
    sampler: str = field("OTEL_TRACES_SAMPLER.", default="parentbased_traceidratio")
    sampler_argument: str = field(
        "OTEL_TRACES_SAMPLER_ARG: the part of requests that is traced.", default="0.1"
    )
    detail: Literal["model", "worker", "all"] | None = field(
        "What vLLM traces within a request; costs speed, so nothing unless given.", default=None
    )
    service_names: Mapping[str, str] = field(
        "OTEL_SERVICE_NAME by role, `routing-proxy` or `epp`; the model's name and that one unless "
        "given.",
        default=EMPTY,
    )
