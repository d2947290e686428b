"""The pod of a role.

In: a release and a role. Out: the pod template's metadata and spec (decode-deployment.yaml,
decode-lws.yaml, _helpers.tpl modelPod).
"""

from __future__ import annotations

from typing import Any

from modelmill.importers.modelservice_chart import accelerator, weights
from modelmill.importers.modelservice_chart.combining import combined
from modelmill.importers.modelservice_chart.containers import container
from modelmill.importers.modelservice_chart.facts import Role
from modelmill.importers.modelservice_chart.release import (
    Release,
    is_former,
    role_labels,
    service_account_name,
)
from modelmill.importers.modelservice_chart.sidecar import has_sidecar, sidecar

EXCLUSIVE_TOPOLOGY = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"
GROUP_ONLY = ("hostIPC", "hostPID")


def pod_template(release: Release, role: Role) -> dict[str, Any]:
    """A role's pod template."""
    metadata: dict[str, Any] = {"labels": role_labels(release, role)}
    annotations = pod_annotations(release, role)
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": pod_spec(release, role)}


def pod_annotations(release: Release, role: Role) -> dict[str, Any]:
    return {**exclusive_topology(release, role), **(release.get(role, "podAnnotations") or {})}


def exclusive_topology(release: Release, role: Role) -> dict[str, str]:
    """The annotation that keeps a subgroup on one host; LeaderWorkerSets only."""
    asked = release.get("multinode") and release.get(role, "subGroupExclusiveTopology")
    return {EXCLUSIVE_TOPOLOGY: "kubernetes.io/hostname"} if asked else {}


def pod_spec(release: Release, role: Role) -> dict[str, Any]:
    """A role's pod as it runs."""
    return combined(bare_spec(release, role), release.get(role, "extraConfig") or {})


def bare_spec(release: Release, role: Role) -> dict[str, Any]:
    """The pod without the role's `extraConfig`."""
    found: dict[str, Any] = {}
    given = release.get(role)
    if release.get("multinode"):
        found |= {key: given[key] for key in GROUP_ONLY if given.get(key) is not None}
    init = init_containers(release, role)
    if init:
        found["initContainers"] = init
    if given.get("enableServiceLinks") is not None:
        found["enableServiceLinks"] = given["enableServiceLinks"]
    if given.get("terminationGracePeriodSeconds") is not None:
        found["terminationGracePeriodSeconds"] = int(given["terminationGracePeriodSeconds"])
    found |= _model_pod(release, role)
    for key in ("nodeSelector", "tolerations"):
        if given.get(key):
            found[key] = given[key]
    found["containers"] = [container(release, role, each) for each in given.get("containers") or []]
    return found


def init_containers(release: Release, role: Role) -> list[dict[str, Any]]:
    own = list(release.get(role, "initContainers") or [])
    return [sidecar(release), *own] if role == "decode" and has_sidecar(release) else own


def _model_pod(release: Release, role: Role) -> dict[str, Any]:
    given = release.get(role)
    found: dict[str, Any] = {}
    if given.get("imagePullSecrets"):
        found["imagePullSecrets"] = given["imagePullSecrets"]
    scheduler = given.get("schedulerName") or release.get("schedulerName")
    if scheduler:
        found["schedulerName"] = scheduler
    priority = given.get("priorityClassName")
    if priority and str(priority).lower() != "none" and not is_former(release):
        found["priorityClassName"] = priority
    if given.get("podSecurityContext"):
        found["securityContext"] = given["podSecurityContext"]
    found["serviceAccountName"] = service_account_name(release)
    affinity = _affinity(release, role)
    if affinity:
        found["affinity"] = affinity
    volumes = _volumes(release, role)
    if volumes:
        found["volumes"] = volumes
    claims = accelerator.pod_claims(release, role)
    if claims:
        found["resourceClaims"] = claims
    return found


def _affinity(release: Release, role: Role) -> dict[str, Any]:
    types = release.get(role, "acceleratorTypes") or {}
    if not types.get("labelKey"):
        return {}
    wanted: dict[str, Any] = {"key": types["labelKey"], "operator": "Exists"}
    if types.get("labelValues"):
        wanted |= {"operator": "In", "values": types["labelValues"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [wanted]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def _volumes(release: Release, role: Role) -> list[dict[str, Any]]:
    found = list(release.get(role, "volumes") or [])
    wanted = any(each.get("mountModelVolume") for each in release.get(role, "containers") or [])
    taken = any(each.get("name") == weights.VOLUME for each in found)
    if (wanted or is_former(release)) and weights.has_volume(release) and not taken:
        found.append(weights.volume(release))
    return found
