"""The objects that run a role: workload, ServiceAccount, PodMonitor, claim template.

In: a release. Out: its objects, but for those of dual pods and of the gateway.
"""

from __future__ import annotations

from typing import Any

from modelmill.importers.modelservice_chart import accelerator
from modelmill.importers.modelservice_chart.facts import Role
from modelmill.importers.modelservice_chart.multinode import group_templates
from modelmill.importers.modelservice_chart.parallelism import sizes
from modelmill.importers.modelservice_chart.pods import exclusive_topology, pod_template
from modelmill.importers.modelservice_chart.release import (
    Release,
    chart_labels,
    role_labels,
    role_name,
    service_account_name,
)

ACCELERATOR_WARNING = "llm-d.ai/accelerator-warning"


def service_account(release: Release) -> dict[str, Any] | None:
    """The pods' account; None where they use one that is there already."""
    if release.get("serviceAccountOverride"):
        return None
    metadata = {"name": service_account_name(release), "labels": chart_labels(release)}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def replicas(release: Release, role: Role) -> int | None:
    """Replicas of a role; None where they are left to a scaler."""
    if release.get("multinode") and release.get(role, "autoscaling", "enabled"):
        return None
    found = release.get(role, "replicas")
    return 1 if found is None else int(found)


def deployment(release: Release, role: Role) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": role_name(release, role),
        "labels": chart_labels(release),
    }
    annotations = _annotations(release, role)
    if annotations:
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {"replicas": replicas(release, role)}
    if release.get(role, "strategy"):
        spec["strategy"] = release.get(role, "strategy")
    spec["selector"] = {"matchLabels": role_labels(release, role)}
    spec["template"] = pod_template(release, role)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def leader_worker_set(release: Release, role: Role) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": role_name(release, role),
        "labels": {**chart_labels(release), **role_labels(release, role)},
    }
    annotations = {**exclusive_topology(release, role), **_annotations(release, role)}
    if annotations:
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {}
    if replicas(release, role) is not None:
        spec["replicas"] = replicas(release, role)
    group: dict[str, Any] = {"size": sizes(release, role).workers}
    if release.get(role, "subGroupPolicy"):
        group["subGroupPolicy"] = release.get(role, "subGroupPolicy")
    spec["leaderWorkerTemplate"] = {**group, **group_templates(release, role)}
    kind = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
    return {**kind, "metadata": metadata, "spec": spec}


def _annotations(release: Release, role: Role) -> dict[str, Any]:
    found = dict(release.get(role, "annotations") or {})
    note = accelerator.warning_annotation(release, role)
    return {**found, ACCELERATOR_WARNING: note} if note else found


def pod_monitor(release: Release, role: Role) -> dict[str, Any] | None:
    """The PodMonitor of a role; None where it has none."""
    given = release.get(role, "monitoring", "podmonitor") or {}
    if not given.get("enabled"):
        return None
    metadata: dict[str, Any] = {
        "name": f"{role_name(release, role)}-podmonitor",
        "namespace": release.namespace,
        "labels": {
            **chart_labels(release),
            "app.kubernetes.io/component": role,
            **(given.get("labels") or {}),
        },
    }
    if given.get("annotations"):
        metadata["annotations"] = given["annotations"]
    endpoint: dict[str, Any] = {
        "port": str(given.get("portName") or "metrics"),
        "path": given.get("path"),
        "interval": given.get("interval"),
    }
    for key in ("scrapeTimeout", "relabelings", "metricRelabelings"):
        if given.get(key):
            endpoint[key] = given[key]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": role_labels(release, role)},
        "podMetricsEndpoints": [{k: v for k, v in endpoint.items() if v is not None}],
    }
    if given.get("namespaceSelector"):
        spec["namespaceSelector"] = given["namespaceSelector"]
    kind = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor"}
    return {**kind, "metadata": metadata, "spec": spec}
