"""LeaderWorkerSet of each role whose replica is a group of pods (leaderworkerset.x-k8s.io/v1).

The leader's pods and its workers' are templates of their own where they differ. Fields that the API
server or its webhook would default are written out, or Argo CD reports drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.containers import Manifest, given, int_or_string
from modelmill.groups import group_of
from modelmill.pods import pod_template, workload_labels
from modelmill.resource import Resource, resource
from modelmill.spec.role import Role, Strategy
from modelmill.spec.worker import SubGroup, Worker
from modelmill.variant import Variant

EXCLUSIVE_TOPOLOGY = "leaderworkerset.sigs.k8s.io/exclusive-topology"
SUBGROUP_EXCLUSIVE_TOPOLOGY = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        if role.worker is not None:
            yield _leader_worker_set(variant, key, role, role.worker)


def _leader_worker_set(variant: Variant, key: str, role: Role, worker: Worker) -> Resource:
    bare = variant.is_bare(key)
    recommended: Manifest = {} if bare else {"startupPolicy": "LeaderCreated"}
    network = worker.subdomain_policy or (None if bare else "Shared")
    return resource(
        variant.versions.apis["LeaderWorkerSet"],
        "LeaderWorkerSet",
        variant.workload_name(key),
        labels=workload_labels(variant, key),
        annotations=_annotations(role, worker),
        spec={
            **given(replicas=None if role.autoscaling else role.replicas),
            **recommended,
            **given(
                startupPolicy=worker.startup_policy,
                rolloutStrategy=_rollout(role.strategy, bare=bare),
                networkConfig={"subdomainPolicy": network} if network else None,
            ),
            "leaderWorkerTemplate": _templates(variant, key, role, worker),
        },
    )


def _annotations(role: Role, worker: Worker) -> dict[str, str]:
    topology = given(
        **{
            EXCLUSIVE_TOPOLOGY: worker.exclusive_topology,
            SUBGROUP_EXCLUSIVE_TOPOLOGY: worker.sub_group_exclusive_topology,
        }
    )
    own = role.metadata.annotations if role.metadata else {}
    return dict(sorted({**own, **topology}.items()))


def _templates(variant: Variant, key: str, role: Role, worker: Worker) -> Manifest:
    """Policies, sizes and pods of a group. Without a template of its own a leader is as workers."""
    bare, size = variant.is_bare(key), group_of(role).size
    leader = pod_template(variant, key)
    workers = pod_template(variant.workers_of(key), key)
    restart = worker.restart_policy or (None if bare else "RecreateGroupOnPodRestart")
    return {
        "size": size,
        **given(
            restartPolicy=restart,
            subGroupPolicy=_sub_group(worker.sub_group, bare=bare) if worker.sub_group else None,
            leaderTemplate=leader if leader != workers else None,
        ),
        "workerTemplate": workers,
        **given(volumeClaimTemplates=_claims(worker.volume_claim_templates)),
    }


def _sub_group(sub_group: SubGroup, *, bare: bool) -> Manifest:
    kind = sub_group.type or (None if bare else "LeaderWorker")
    return given(subGroupPolicyType=kind, subGroupSize=sub_group.size)


def _claims(templates: Mapping[str, Any]) -> list[Manifest]:
    return [{"metadata": {"name": name}, "spec": spec} for name, spec in templates.items()]


def _rollout(strategy: Strategy | None, *, bare: bool) -> Manifest | None:
    """Groups are replaced in place, one after another: none needs accelerators to spare."""
    if strategy is None and bare:
        return None
    said = strategy or Strategy()
    surge, unavailable = (said.max_surge, said.max_unavailable)
    limits = given(
        partition=said.partition,
        maxUnavailable=int_or_string(unavailable),
        maxSurge=int_or_string(surge),
    )
    recommended = {} if bare else {"partition": 0, "maxUnavailable": 1, "maxSurge": 0}
    return {"type": "RollingUpdate", **given(rollingUpdateConfiguration={**recommended, **limits})}
