"""Dual pods: a requester holds the accelerators while servers sleep and wake elsewhere.

Upstream: llm-d-incubation/llm-d-fast-model-actuation, pkg/api, whose controller reads the
annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import QualifiedName, Quantity
from modelmill.record import EMPTY, Record, field
from modelmill.spec.pod import ContainerFields


class DualPods(Record):
    """Makes a role a ReplicaSet of requester pods; the server's pod is a patch they carry."""

    noun = "dualPods"
    misnomers = {
        "enable": "",
        "enabled": "",
        "probes": "probesPort",
        "spi": "spiPort",
        "resources": "limits",
        "readinessProbe": "periodSeconds",
    }

    image: str = field("Image of the requester.")
    admin_port: int | None = field(
        "Port at which the controller asks the requester for its accelerators; `spiPort` unless "
        "given.",
        default=None,
        minimum=1,
        maximum=65535,
    )
    probes_port: int = field(
        "Port of the requester's probes.", default=8080, minimum=1, maximum=65535
    )
    spi_port: int = field(
        "Port on which the requester tells its accelerators.",
        default=8081,
        minimum=1,
        maximum=65535,
    )
    initial_delay_seconds: int = field(
        "Seconds before the requester's readiness is tried first.", default=2, minimum=0
    )
    period_seconds: int = field(
        "Seconds between tries of the requester's readiness.", default=5, minimum=1
    )
    limits: Mapping[QualifiedName, Quantity] = field(
        "Limits of the requester beside its accelerators, by resource name; 1 CPU and 250Mi of "
        "memory unless given.",
        default=EMPTY,
    )
    container: ContainerFields | None = field(
        "Further fields of the requester's container.", default=None
    )
    annotation_domain: Literal["dual-pods.llm-d.ai", "dual-pod.llm-d.ai"] = field(
        "Domain of the annotations the controller reads: dual-pod.llm-d.ai before December 2025.",
        default="dual-pods.llm-d.ai",
    )
    annotations: Mapping[QualifiedName, str] = field(
        "Annotations of the requester's pods, over the derived ones.", default=EMPTY
    )
