"""Service accounts and what they may do.

In: a service. Out: its accounts, Roles and bindings (pkg/controller/v1alpha2/llmisvc). Secrets that
KServe copies from the namespace's own account are known only in the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.children.frame import (
    Manifest,
    Service,
    has_sidecar,
    labels,
    manifest,
)

RBAC = "rbac.authorization.k8s.io/v1"
_GROUP = "rbac.authorization.k8s.io"
POOLS = ["inference.networking.k8s.io", "inference.networking.x-k8s.io"]
READ = ["get", "list", "watch"]


def accounts(service: Service) -> Iterator[Manifest]:
    """Those of the workloads: of a sidecar, and of each group of pods."""
    spec = service.spec
    prefill = spec.get("prefill") or {}
    template = spec.get("template") or {}
    if spec.get("worker") is None:
        if has_sidecar(template):
            yield from _account(service, "-kserve", template.get("serviceAccountName"), True)
    else:
        own = template.get("serviceAccountName") or spec["worker"].get("serviceAccountName")
        sidecar = has_sidecar(template) or has_sidecar(spec["worker"])
        yield from _account(service, "-kserve-mn", own, sidecar)
    if prefill.get("worker") is not None:
        own = (prefill.get("template") or {}).get("serviceAccountName")
        own = own or prefill["worker"].get("serviceAccountName")
        yield from _account(service, "-kserve-mn-prefill", own, False)


def _account(
    service: Service, suffix: str, existing: str | None, may_read: bool
) -> Iterator[Manifest]:
    own = labels(service, "workload")
    name = service.child(suffix)
    if not existing:
        yield manifest(service, "v1", "ServiceAccount", name, own)
    if may_read:
        role = service.child(f"{suffix}-role")
        rules = [rule([""], ["pods"], READ), rule(POOLS, ["inferencepools"], READ)]
        yield manifest(service, RBAC, "Role", role, own, rules=rules)
        bound = binding(service, service.child(f"{suffix}-rb"), role, existing or name, own)
        yield bound


def rule(groups: list[str], resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def binding(
    service: Service, name: str, role: str, account: str, own: Mapping[str, str]
) -> Manifest:
    subject: dict[str, Any] = {
        "kind": "ServiceAccount",
        "name": account,
        "namespace": service.namespace,
    }
    ref = {"apiGroup": _GROUP, "kind": "Role", "name": role}
    return manifest(service, RBAC, "RoleBinding", name, own, roleRef=ref, subjects=[subject])
