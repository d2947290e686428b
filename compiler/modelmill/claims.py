"""The claims of a pod: which devices it holds by Dynamic Resource Allocation.

In: a variant and a role, or the endpoint picker. Out: the pod's claims, and how the pod and its
containers refer to them. Upstream: Kubernetes `resource.k8s.io/v1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.containers import Manifest, given
from modelmill.names import child_name
from modelmill.record import EMPTY
from modelmill.spec.devices import Claim
from modelmill.spec.pod import Pod, Resources
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant


class PodClaim(NamedTuple):
    """A claim of a pod.

    key        its name in the pod
    place      where it is written
    template   name of the ResourceClaimTemplate; "" where an existing ResourceClaim is shared
    generated  whether that template is generated
    devices    of a request that does not say how many
    """

    key: str
    place: tuple[str, ...]
    claim: Claim
    template: str
    generated: bool
    devices: int


def has_claimed_accelerators(role: Role) -> bool:
    """Whether the role's accelerators are claimed, not asked for as an extended resource."""
    return role.accelerator is not None and role.accelerator.allocation == "dra"


def accelerator_claims(variant: Variant, key: str, role: Role) -> list[PodClaim]:
    """Claims of the role's accelerators: as many of each as the pod has ranks, unless given."""
    if role.accelerator is None or not has_claimed_accelerators(role):
        return []
    place, count = ("roles", key, "accelerator", "claims"), variant.gpus(key)
    return list(_claims(variant, key, place, role.accelerator.claims, count))


def further_claims(variant: Variant, key: str, role: Role) -> list[PodClaim]:
    """Claims of other devices that the role's pods have: RDMA, IMEX channels. What `worker` says of
    one makes it a claim of workers alone, with a template of their own."""
    claims = role.pod.resource_claims if role.pod else EMPTY
    worker = role.worker.pod if role.worker and variant.is_worker else None
    apart = worker.resource_claims if worker else EMPTY
    place = ("roles", key, "pod", "resourceClaims")
    own = {name: claim for name, claim in claims.items() if name in apart}
    shared = {name: claim for name, claim in claims.items() if name not in apart}
    return [
        *_claims(variant, key, place, shared, 1),
        *_claims(variant, f"{key}-worker", place, own, 1),
    ]


def claims_of(variant: Variant, key: str, role: Role) -> list[PodClaim]:
    """All claims of the role's pods that serve. Where a requester holds the accelerators, they are
    not claimed a second time."""
    held = [] if role.dual_pods else accelerator_claims(variant, key, role)
    return [*held, *further_claims(variant, key, role)]


def picker_claims(variant: Variant, component: str, pod: Pod | None) -> list[PodClaim]:
    """Claims of the endpoint picker's pods (`epp`), or of its tokenizer's (`tokenizer`)."""
    owner = ("tokenizer",) if component == "tokenizer" else ()
    place = ("routing", "scheduler", *owner, "pod", "resourceClaims")
    return list(_claims(variant, component, place, pod.resource_claims if pod else EMPTY, 1))


def _claims(
    variant: Variant, owner: str, place: tuple[str, ...], claims: Mapping[str, Claim], devices: int
) -> Iterable[PodClaim]:
    for key, claim in claims.items():
        generated = not claim.template and not claim.claim
        own = claim.name or child_name(variant.name, f"{owner}-{key}")
        template = own if generated else claim.template or ""
        yield PodClaim(key, (*place, key), claim, template, generated, devices)


def pod_entries(claims: Iterable[PodClaim]) -> list[Manifest]:
    """`resourceClaims` of a PodSpec."""
    return [
        given(
            name=each.key,
            resourceClaimTemplateName=each.template or None,
            resourceClaimName=each.claim.claim,
        )
        for each in claims
    ]


def container_entries(claims: Iterable[PodClaim], record: Resources | None) -> list[Manifest]:
    """`resources.claims` of the container that uses all of the pod's claims."""
    written: Mapping[str, Any] = record.claims if record else EMPTY
    names = dict.fromkeys([*(each.key for each in claims), *written])
    return [{"name": name, **(written.get(name) or {})} for name in names]
