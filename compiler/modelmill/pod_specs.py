"""Typed fields of a pod as its PodSpec.

In: a Pod record, and what was derived beside it. Out: the PodSpec, or first a frame of it, which is
the same for environments whose containers differ. Decides no value of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from modelmill.containers import KEPT, Manifest, extra_container, given, keyed, over
from modelmill.record import EMPTY
from modelmill.spec.pod import Pod

RESTRICTED: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""What the restricted Pod Security Standard asks of a pod, beside a non-root user."""
NO_POD = Pod()


@lru_cache(maxsize=KEPT)
def _handed_on(pod: Pod, bare: bool) -> Manifest:
    security = over({} if bare else RESTRICTED, pod.security_context)
    return {**given(securityContext=security), **pod_fields(pod)}


def pod_fields(record: Pod | None) -> Manifest:
    """The fields of a pod spec that are handed on as they are."""
    if record is None:
        return {}
    return given(
        priorityClassName=record.priority_class_name,
        schedulerName=record.scheduler_name,
        runtimeClassName=record.runtime_class_name,
        terminationGracePeriodSeconds=record.termination_grace_period_seconds,
        enableServiceLinks=record.enable_service_links,
        shareProcessNamespace=record.share_process_namespace,
        dnsPolicy=record.dns_policy,
        dnsConfig=record.dns_config,
        hostNetwork=record.host_network,
        hostIPC=record.host_ipc,
        hostPID=record.host_pid,
        hostAliases=list(record.host_aliases),
        nodeSelector=dict(record.node_selector),
        imagePullSecrets=keyed(record.image_pull_secrets, "name"),
    )


class PodFrame(NamedTuple):
    """A PodSpec without the containers that are put in later: what is before and after them, the
    containers that people wrote, and their fields over all of it."""

    before: Manifest
    init_containers: list[Manifest]
    containers: list[Manifest]
    after: Manifest
    fields: Mapping[str, Any] | None


def pod_spec(
    record: Pod | None,
    *,
    containers: list[Manifest],
    init_containers: Sequence[Manifest] = (),
    **around: Any,
) -> Manifest:
    """A PodSpec: what was derived, and over it what people set; only what they set if `bare`.
    `around` is as `pod_frame` has it."""
    return framed(pod_frame(record, **around), containers, init_containers)


def framed(
    frame: PodFrame, containers: list[Manifest], init_containers: Sequence[Manifest]
) -> Manifest:
    """The PodSpec with its containers."""
    spec = {
        **frame.before,
        **given(initContainers=[*init_containers, *frame.init_containers]),
        "containers": [*containers, *frame.containers],
        **frame.after,
    }
    return over(spec, frame.fields) if frame.fields else spec


def pod_frame(
    record: Pod | None,
    *,
    account: str,
    uses_token: bool,
    grace_seconds: int,
    selector: Mapping[str, str],
    volumes: Sequence[Manifest] = (),
    tolerations: Mapping[str, Any] = EMPTY,
    affinity: Manifest | None = None,
    claims: Sequence[Manifest] = (),
    bare: bool = False,
) -> PodFrame:
    """What is around the containers."""
    own, token = record or NO_POD, record.automount_service_account_token if record else None
    written, inits, beside = _written_of(own, bare)
    recommended = {
        "automountServiceAccountToken": uses_token or bool(token),
        "terminationGracePeriodSeconds": grace_seconds,
    }
    before = {
        "serviceAccountName": own.service_account_name or account,
        **(given(automountServiceAccountToken=token) if bare else recommended),
        **_handed_on(own, bare),
        **given(
            affinity=over({}, own.affinity) if affinity is None else affinity,
            tolerations=keyed(over(tolerations, own.tolerations), "key"),
            topologySpreadConstraints=spread_constraints(record, selector, bare=bare),
        ),
    }
    after = given(
        # What runs has the volumes people wrote before the derived ones.
        volumes=[*written, *volumes] if bare else [*volumes, *written],
        resourceClaims=list(claims),
    )
    return PodFrame(before, inits, beside, after, own.fields)


@lru_cache(maxsize=KEPT)
def _written_of(pod: Pod, bare: bool) -> tuple[list[Manifest], list[Manifest], list[Manifest]]:
    """The volumes, init containers and containers that people wrote."""
    return (
        keyed(pod.volumes, "name"),
        [extra_container(n, each, bare=bare) for n, each in pod.init_containers.items()],
        [extra_container(n, each, bare=bare) for n, each in pod.containers.items()],
    )


def spread_constraints(
    record: Pod | None, selector: Mapping[str, str], *, bare: bool = False
) -> list[Manifest]:
    """topologySpreadConstraints; the selector and skew are derived unless given."""
    defaults: Manifest = {
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }
    entries = record.topology_spread_constraints if record else {}
    if bare:
        return keyed(entries, "topologyKey")
    return [over(defaults, constraint) for constraint in keyed(entries, "topologyKey")]
