"""Writes data/schemas/kubernetes.json.gz: the schemas of Kubernetes' own kinds, by its version.

In: the schemas that the PyPI package `kubernetes-validate` has (Kubernetes' published OpenAPI).
Out: one table of definitions, each variant of one kept once, and which variant a version has.

    .venv/bin/python tools/kubernetes_schemas.py
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate

VERSIONS = tuple(f"1.{minor}" for minor in range(30, 38))
SOURCE = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
TARGET = Path(__file__).parents[1] / "compiler/modelmill/data/schemas/kubernetes.json.gz"
KEPT = frozenset(
    {
        "$ref", "additionalProperties", "enum", "format", "items", "properties", "required", "type",
        "x-kubernetes-list-map-keys", "x-kubernetes-list-type",
    }
)  # fmt: skip
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
# What the OpenAPI of these types does not tell: both are a number or text.
SPECIAL: dict[str, Any] = {
    QUANTITY: {"x-kubernetes-int-or-string": True, "format": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"x-kubernetes-int-or-string": True},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": {},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": {},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": {},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": {},
}
# The published OpenAPI has no enums: constants of k8s.io/api types.go, where validation knows no
# other value.
ENUMS: dict[str, dict[str, list[str]]] = {
    "core.v1.Container": {"imagePullPolicy": ["Always", "IfNotPresent", "Never"]},
    "core.v1.ContainerPort": {"protocol": ["SCTP", "TCP", "UDP"]},
    "core.v1.HTTPGetAction": {"scheme": ["HTTP", "HTTPS"]},
    "core.v1.PersistentVolumeClaimSpec": {"volumeMode": ["Block", "Filesystem"]},
    "core.v1.PodSpec": {
        "dnsPolicy": ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        "preemptionPolicy": ["Never", "PreemptLowerPriority"],
        "restartPolicy": ["Always", "Never", "OnFailure"],
    },
    "core.v1.SeccompProfile": {"type": ["Localhost", "RuntimeDefault", "Unconfined"]},
    "core.v1.ServicePort": {"protocol": ["SCTP", "TCP", "UDP"]},
    "core.v1.ServiceSpec": {
        "externalTrafficPolicy": ["Cluster", "Local"],
        "internalTrafficPolicy": ["Cluster", "Local"],
        "sessionAffinity": ["ClientIP", "None"],
        "type": ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
    },
    "core.v1.Toleration": {"effect": ["NoExecute", "NoSchedule", "PreferNoSchedule"]},
    "core.v1.TopologySpreadConstraint": {
        "whenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"],
    },
    "core.v1.VolumeMount": {
        "mountPropagation": ["Bidirectional", "HostToContainer", "None"],
    },
    "core.v1.NodeSelectorRequirement": {
        "operator": ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"],
    },
    "apps.v1.DeploymentStrategy": {"type": ["Recreate", "RollingUpdate"]},
    "apps.v1.StatefulSetSpec": {"podManagementPolicy": ["OrderedReady", "Parallel"]},
    "batch.v1.CronJobSpec": {"concurrencyPolicy": ["Allow", "Forbid", "Replace"]},
    "meta.v1.LabelSelectorRequirement": {"operator": ["DoesNotExist", "Exists", "In", "NotIn"]},
    "networking.v1.HTTPIngressPath": {"pathType": ["Exact", "ImplementationSpecific", "Prefix"]},
    "networking.v1.NetworkPolicyPort": {"protocol": ["SCTP", "TCP", "UDP"]},
}


def main() -> None:
    variants: dict[str, list[Any]] = {}
    versions: dict[str, Any] = {}
    for version in VERSIONS:
        text = (SOURCE / f"v{version}.0-local" / "_definitions.json").read_text()
        definitions: dict[str, Any] = json.loads(text)["$defs"]
        kinds = dict(sorted(kinds_of(definitions)))
        used: dict[str, int] = {}
        for name in sorted(reached(definitions, kinds.values())):
            own = variants.setdefault(short(name), [])
            pruned = definition(name, definitions[name])
            if pruned not in own:
                own.append(pruned)
            used[short(name)] = own.index(pruned)
        versions[version] = {"kinds": {k: short(n) for k, n in kinds.items()}, "definitions": used}
    data = json.dumps({"versions": versions, "definitions": variants}, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(data.encode(), mtime=0))
    print(f"{TARGET.name}: {len(variants)} definitions, {len(data):,} bytes as JSON, ", end="")
    print(f"{TARGET.stat().st_size:,} in the wheel")


def kinds_of(definitions: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """`apps/v1 Deployment` and the name of its definition: what people write in files."""
    for name, each in definitions.items():
        for kind in each.get("x-kubernetes-group-version-kind", []):
            is_object = (
                "metadata" in each.get("properties", {}) and "items" not in each["properties"]
            )
            if is_object and kind["kind"] not in ("Status", "DeleteOptions", "WatchEvent"):
                group = f"{kind['group']}/" if kind["group"] else ""
                yield f"{group}{kind['version']} {kind['kind']}", name


def reached(definitions: dict[str, Any], names: Any) -> set[str]:
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            if name not in SPECIAL:
                left += references(definitions[name])
    return found


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, each in schema.items():
            if key == "$ref" and isinstance(each, str):
                yield each.removeprefix("#/$defs/")
            else:
                yield from references(each)


def definition(name: str, schema: Any) -> Any:
    if name in SPECIAL:
        return SPECIAL[name]
    found = pruned(schema)
    for field, values in ENUMS.get(short(name), {}).items():
        found["properties"][field]["enum"] = values
    return found


def pruned(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, each in schema.items():
        if key not in KEPT or each == "atomic":
            continue
        if key == "properties":
            found[key] = {name: pruned(schema) for name, schema in sorted(each.items())}
        elif key in ("items", "additionalProperties") and isinstance(each, dict):
            found[key] = pruned(each)
        elif key == "type":
            found[key] = each if isinstance(each, str) else next(t for t in each if t != "null")
        elif key == "$ref":
            found[key] = short(each.removeprefix("#/$defs/"))
        else:
            found[key] = each
    return found


def short(name: str) -> str:
    """`core.v1.Pod` of io.k8s.api.core.v1.Pod."""
    for prefix in ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s."):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


if __name__ == "__main__":
    main()
