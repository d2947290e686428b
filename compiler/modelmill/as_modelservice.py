"""A model's objects as the llm-d ModelService operator's dry run prints them.

In: a variant and its objects. Out: one mapping, keyed like the operator's `generate`, for people
who hold one against the other. What the operator has no key for stands under `further`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelmill.resource import Resource
from modelmill.variant import Variant

KEYS = (
    "configMaps",
    "prefillDeployment",
    "decodeDeployment",
    "prefillService",
    "decodeService",
    "httpRoute",
    "inferencePool",
    "inferenceModel",
    "eppDeployment",
    "eppService",
    "eppServiceAccount",
    "pdServiceAccount",
    "eppRoleBinding",
)
LISTS = ("configMaps", "further")
BY_KIND = {
    "ConfigMap": "configMaps",
    "HTTPRoute": "httpRoute",
    "InferencePool": "inferencePool",
    "InferenceModel": "inferenceModel",
    "RoleBinding": "eppRoleBinding",
}
# A picker's objects are kept apart from the pods' by what they are called.
PICKER = {
    "Deployment": "eppDeployment",
    "Service": "eppService",
    "ServiceAccount": "eppServiceAccount",
}
WORKLOADS = ("Deployment", "LeaderWorkerSet", "ReplicaSet")


def as_modelservice(variant: Variant, resources: Sequence[Resource]) -> dict[str, Any]:
    """The mapping, its keys sorted; absent ones left out."""
    own = {
        (body["kind"], body["metadata"]["name"]): key
        for key, body in variant.spec.extra_objects.items()
        if key in KEYS
    }
    found: dict[str, Any] = {}
    for resource in resources:
        key = own.get((resource.kind, resource.name)) or _key(variant, resource)
        if key in LISTS or key in found:
            found.setdefault(key if key in LISTS else "further", []).append(resource.body)
        else:
            found[key] = resource.body
    return dict(sorted(found.items()))


def _key(variant: Variant, resource: Resource) -> str:
    roles = {variant.workload_name(key): variant.role_type(key) for key in variant.roles}
    if resource.kind in WORKLOADS and resource.name in roles:
        role = "prefill" if roles[resource.name] == "prefill" else "decode"
        return f"{role}Deployment"
    if resource.kind in PICKER and resource.name == variant.picker_name:
        return PICKER[resource.kind]
    others = {"Service": "decodeService", "ServiceAccount": "pdServiceAccount"}
    return BY_KIND.get(resource.kind) or others.get(resource.kind) or "further"
