"""ResourceClaimTemplate of each claim that is generated (Kubernetes resource.k8s.io/v1).

Fields the API server would default are written out, or Argo CD reports drift.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.claims import PodClaim, accelerator_claims, further_claims, picker_claims
from modelmill.containers import Manifest, given, over
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, shared
from modelmill.spec.devices import DeviceRequest, Devices
from modelmill.variant import Variant

API_VERSION = "resource.k8s.io/v1"
PICKER = "epp"
TOKENIZER = "tokenizer"


@shared(*OUTSIDE, *INSIDE)
def emit(variant: Variant) -> Iterable[Resource]:
    """Roles may share a template by its name, where both want the same of it."""
    shared: list[Resource] = []
    for each in _all(variant):
        if not any(each.name == other.name and _same(each, other) for other in shared):
            shared.append(each)
    return shared


def _same(one: Resource, other: Resource) -> bool:
    return bool(one.body["spec"] == other.body["spec"])


def _all(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        for pods in [variant, variant.workers_of(key)] if role.worker else [variant]:
            own = pods.roles[key]
            for each in accelerator_claims(pods, key, own) + further_claims(pods, key, own):
                if each.generated:
                    yield _template(variant, key, each, bare=variant.is_bare(key))
    if variant.scheduler is not None:
        helper = variant.scheduler.tokenizer
        beside = (TOKENIZER, helper.pod if helper else None)
        for component, pod in ((PICKER, variant.scheduler.pod), beside):
            for each in picker_claims(variant, component, pod):
                if each.generated:
                    yield _template(variant, component, each, bare=False)


def _template(variant: Variant, component: str, claim: PodClaim, *, bare: bool) -> Resource:
    devices = given(
        requests=[
            _request(name, request, claim.devices, bare=bare)
            for name, request in claim.claim.requests.items()
        ],
        constraints=list(claim.claim.constraints),
        config=list(claim.claim.config),
    )
    return resource(
        API_VERSION,
        "ResourceClaimTemplate",
        claim.template,
        labels=_labels(variant, component, bare=bare),
        spec={"spec": {"devices": devices}},
    )


def _labels(variant: Variant, component: str, *, bare: bool) -> dict[str, str]:
    if bare:
        return {names.MANAGED_BY: "modelmill", names.ROLE: component}
    role = variant.role_type(component) if component in variant.roles else None
    return names.labels(
        variant.name, component, variant.labels, {names.ROLE: role} if role else names.NONE
    )


def _request(name: str, request: DeviceRequest, count: int, *, bare: bool) -> Manifest:
    if not request.first_available:
        return {"name": name, "exactly": _devices(request, count, bare=bare)}
    alternatives = [
        {"name": key, **_devices(each, request.count or count, bare=bare)}
        for key, each in request.first_available.items()
    ]
    return {"name": name, "firstAvailable": alternatives}


def _devices(record: Devices, count: int, *, bare: bool) -> Manifest:
    exact = record.allocation_mode == "ExactCount"
    fields = given(
        deviceClassName=record.device_class,
        selectors=[{"cel": {"expression": each}} for each in record.selectors],
        # What runs without it keeps its template, whose spec cannot be changed.
        allocationMode=None if bare and exact else record.allocation_mode,
        count=(record.count or count) if exact else None,
    )
    return over(fields, record.fields)
