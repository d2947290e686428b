"""Devices by Dynamic Resource Allocation: Kubernetes `resource.k8s.io/v1`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, DnsName
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping


class Devices(Record):
    """Devices of one class: a DeviceSubRequest, one alternative of a request."""

    noun = "devices"
    misnomers = {"class": "deviceClass", "deviceClassName": "deviceClass"}

    device_class: DnsName | None = field("DeviceClass: gpu.nvidia.com.", default=None)
    count: int | None = field(
        "Devices; in an accelerator's claim the pod's number of accelerators unless given, else 1.",
        default=None,
        minimum=1,
    )
    allocation_mode: Literal["ExactCount", "All"] = field(
        "Whether `count` devices are wanted, or all that match.", default="ExactCount"
    )
    selectors: tuple[str, ...] = field("CEL expressions a device must meet.", default=())
    fields: FreeMapping | None = field(
        "Further fields of the request, as Kubernetes spells them.", default=None
    )


class DeviceRequest(Devices):
    """One request for devices of a claim: of one class, or the first of several alternatives that
    can be had."""

    noun = "a device request"
    one_of = (("deviceClass", "firstAvailable"),)
    misnomers = {
        "class": "deviceClass",
        "deviceClassName": "deviceClass",
        "match": "firstAvailable",
        "exactly": "deviceClass",
    }

    first_available: Mapping[DnsLabel, Devices] = field(
        "Alternatives by name, best first.", default=EMPTY
    )


class Claim(Record):
    """A claim of a pod: generated from `requests`, or one that exists."""

    noun = "a claim"
    one_of = (("requests", "template", "claim"),)
    misnomers = {
        "resourceClaimTemplateName": "template",
        "resourceClaimName": "claim",
        "devices": "requests",
    }

    requests: Mapping[DnsLabel, DeviceRequest] = field(
        "Requests of a generated ResourceClaimTemplate, by name.", default=EMPTY
    )
    constraints: tuple[FreeMapping, ...] = field(
        "What must hold between its devices: {requests, matchAttribute}.", default=()
    )
    config: tuple[FreeMapping, ...] = field("DeviceClaimConfiguration items.", default=())
    name: DnsName | None = field(
        "Name of the generated template; model, role and the claim's key unless given.",
        default=None,
    )
    template: DnsName | None = field("A ResourceClaimTemplate that exists.", default=None)
    claim: DnsName | None = field(
        "A ResourceClaim that exists, which all pods share.", default=None
    )
