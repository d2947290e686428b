"""C535: claims of devices name devices, and containers name claims that their pod has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelmill.claims import (
    PodClaim,
    accelerator_claims,
    claims_of,
    further_claims,
    has_claimed_accelerators,
    picker_claims,
)
from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.spec.devices import DeviceRequest, Devices
from modelmill.spec.picker import Tokenizer
from modelmill.spec.pod import Pod, Resources
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = (
    "accelerator dual_pods parallelism pod resources routing.scheduler.config "
    "routing.scheduler.pod routing.scheduler.resources routing.scheduler.tokenizer worker"
)
Place = tuple[str, ...]
HINT = "set `requests`, or name a `template` or a `claim` that exists"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        held = accelerator_claims(variant, key, role)
        if has_claimed_accelerators(role) and not held:
            yield _unclaimed(variant, key)
        for pods in [variant, variant.workers_of(key)] if role.worker else [variant]:
            own = pods.roles[key]
            yield from _judge(pods, held, further_claims(pods, key, own))
            yield from _used(pods, claims_of(pods, key, own), _of(key, own))
    scheduler = variant.scheduler
    if scheduler is not None:
        picker = ("routing", "scheduler", "resources"), scheduler.resources
        users = [picker, *_beside(("routing", "scheduler", "pod"), scheduler.pod)]
        claims = picker_claims(variant, "epp", scheduler.pod)
        yield from _judge(variant, [], claims)
        yield from _used(variant, claims, users)
        yield from _of_tokenizer(variant, scheduler.tokenizer)


def _of_tokenizer(variant: Variant, tokenizer: Tokenizer | None) -> Iterable[Diagnostic]:
    if tokenizer is None:
        return
    place = ("routing", "scheduler", "tokenizer")
    users = [((*place, "resources"), tokenizer.resources)]
    claims = picker_claims(variant, "tokenizer", tokenizer.pod)
    yield from _judge(variant, [], claims)
    yield from _used(variant, claims, [*users, *_beside((*place, "pod"), tokenizer.pod)])


def _unclaimed(variant: Variant, key: str) -> Diagnostic:
    return error(
        "C535",
        f"`{key}` is to claim its accelerators, which have no `claims`",
        variant.span_of("roles", key, "accelerator", "allocation"),
        "set `accelerator.claims`: {gpu: {requests: {gpu: {deviceClass: …}}}}",
    )


def _judge(variant: Variant, held: list[PodClaim], further: list[PodClaim]) -> Iterable[Diagnostic]:
    names = {each.key for each in held}
    for each in further:
        if each.key in names:
            span = variant.key_span_of(*each.place)
            message = f"the accelerator has a claim `{each.key}` too"
            yield error("C535", message, span, "rename one of them")
    for each in (*held, *further):
        yield from _names_devices(variant, each)


def _used(
    variant: Variant, claims: list[PodClaim], users: Iterable[tuple[Place, Resources | None]]
) -> Iterable[Diagnostic]:
    names = {each.key for each in claims}
    for place, resources in users:
        for name in resources.claims if resources else ():
            if name not in names:
                span = variant.key_span_of(*place, "claims", name)
                hint = did_you_mean(name, names) or "add it under `pod.resourceClaims`"
                yield error("C535", f"the pod has no claim `{name}`", span, hint)


def _names_devices(variant: Variant, claim: PodClaim) -> Iterable[Diagnostic]:
    if not claim.generated:
        for field in ("constraints", "config", "name"):
            if getattr(claim.claim, field):
                span = variant.key_span_of(*claim.place, field)
                message = f"the claim `{claim.key}` has `{field}`, and what it names exists already"
                yield error("C535", message, span, "leave it out, or set `requests` instead")
        return
    if not claim.claim.requests:
        message = f"the claim `{claim.key}` names no devices"
        yield error("C535", message, variant.key_span_of(*claim.place), HINT)
    for name, request in claim.claim.requests.items():
        yield from _names_class(variant, (*claim.place, "requests", name), name, request)


def _names_class(
    variant: Variant, place: Place, name: str, request: DeviceRequest
) -> Iterable[Diagnostic]:
    found: dict[Place, Devices] = {
        (*place, "firstAvailable", key): each for key, each in request.first_available.items()
    } or {place: request}
    for where, devices in found.items():
        if not devices.device_class:
            message = f"`{where[-1]}` names no class of devices"
            hint = "set `deviceClass`: gpu.nvidia.com"
            yield error("C535", message, variant.key_span_of(*where), hint)
    if request.first_available:
        for field in ("selectors", "allocationMode", "fields"):
            if variant.tree.get(*place, field) is not None:
                span = variant.key_span_of(*place, field)
                message = f"`{field}` of the request `{name}` does not reach its alternatives"
                yield error("C535", message, span, "set it in each of `firstAvailable`")


def _of(key: str, role: Role) -> Iterator[tuple[Place, Resources | None]]:
    yield ("roles", key, "resources"), role.resources
    yield from _beside(("roles", key, "pod"), role.pod)


def _beside(place: Place, pod: Pod | None) -> Iterator[tuple[Place, Resources | None]]:
    if pod is not None:
        for part, containers in (
            ("initContainers", pod.init_containers),
            ("containers", pod.containers),
        ):
            for name, container in containers.items():
                yield (*place, part, name, "resources"), container.resources
