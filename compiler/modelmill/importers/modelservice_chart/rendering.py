"""A release's objects in Helm's order, and the facts of its roles.

In: a release whose values are in order. Out: objects as dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.importers.modelservice_chart import (
    accelerator,
    containers,
    gateway,
    multinode,
    parallelism,
    requester,
    sidecar,
    workloads,
)
from modelmill.importers.modelservice_chart.facts import ROLES, Role, RoleFacts, WorkloadKind
from modelmill.importers.modelservice_chart.release import (
    Release,
    is_former,
    role_labels,
    role_name,
)

# helm pkg/release/v1/util kind_sorter.go InstallOrder, of which these kinds can occur.
INSTALL_ORDER = (
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)


def objects(release: Release) -> tuple[dict[str, Any], ...]:
    """Every object, in the order Helm installs them; hooks last."""
    made = sorted((each for each in _objects(release) if each), key=_order)
    return tuple(_apart(each) for each in made)


def _apart(value: Any) -> Any:
    """A copy that shares no part with itself, which YAML would write as an alias."""
    if isinstance(value, dict):
        return {key: _apart(each) for key, each in value.items()}
    return [_apart(each) for each in value] if isinstance(value, list) else value


def _objects(release: Release) -> Iterator[dict[str, Any] | None]:
    """All objects in the order of the chart's files, which is by name."""
    made = [role for role in ROLES if release.get(role, "create")]
    if "decode" in made:
        yield workload(release, "decode")
        yield workloads.pod_monitor(release, "decode")
    if is_former(release):
        yield from gateway.picker_objects(release)
    yield from release.get("extraObjects") or []
    if is_former(release):
        yield from gateway.routing_objects(release)
    if "prefill" in made:
        yield workload(release, "prefill")
        yield workloads.pod_monitor(release, "prefill")
    yield from (accelerator.claim_template(release, role) for role in made)
    yield workloads.service_account(release)


def workload_kind(release: Release, role: Role) -> WorkloadKind:
    if release.get("multinode"):
        return "LeaderWorkerSet"
    return "ReplicaSet" if role == "decode" and release.get("requester", "enable") else "Deployment"


def workload(release: Release, role: Role) -> dict[str, Any]:
    kind = workload_kind(release, role)
    if kind == "LeaderWorkerSet":
        return workloads.leader_worker_set(release, role)
    if kind == "ReplicaSet":
        return requester.replica_set(release)
    return workloads.deployment(release, role)


def _order(manifest: dict[str, Any]) -> tuple[bool, int, str]:
    kind = str(manifest.get("kind"))
    known = kind in INSTALL_ORDER
    hook = "helm.sh/hook" in (manifest.get("metadata", {}).get("annotations") or {})
    return (hook, INSTALL_ORDER.index(kind) if known else len(INSTALL_ORDER), "" if known else kind)


def role_facts(release: Release, role: Role) -> RoleFacts:
    """What is known of a role."""
    listed = release.get(role, "containers") or []
    at = containers.engine_index(release, role)
    kind = workload_kind(release, role)
    labels = role_labels(release, role)
    return RoleFacts(
        role=role,
        path=(role,),
        kind=kind,
        name=role_name(release, role),
        selector=requester.SELECTOR if kind == "ReplicaSet" else labels,
        replicas=workloads.replicas(release, role),
        parallelism=parallelism.facts(release, role),
        accelerator=accelerator.facts(release, role, listed[at] if listed else {}),
        engine_port=containers.engine_port(release, role),
        sidecar=role == "decode" and sidecar.has_sidecar(release),
        containers=containers.facts(release, role),
        engine=at,
        native_multi_node=multinode.is_native(release, role),
    )
