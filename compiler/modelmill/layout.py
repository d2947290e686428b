"""Which object lands in which file.

In: the objects of a model without an environment and in each. Out: the files of its unit: a base of
what every environment has, and per environment a small kustomization of patches and added objects.
Overlays are JSON 6902 by difference, each proved to apply; nothing here decides a value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelmill import patch, yamltext
from modelmill.resource import Resource

Identity = tuple[str, str, str]
KUSTOMIZATION = "kustomization.yaml"
CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole",
        "ClusterRoleBinding", "CustomResourceDefinition", "DeviceClass", "FlowSchema",
        "GatewayClass", "IngressClass", "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace", "Node",
        "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass",
        "StorageClass", "StorageVersion", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment",
    }
)  # fmt: skip
_unsafe = re.compile(r"[^a-z0-9.-]+")
_special = re.compile(r"[^a-z0-9-]")


def place(resource: Resource, namespace: str | None) -> Resource:
    """The object in its namespace, as a cluster will see it."""
    metadata = resource.body["metadata"]
    if namespace is None or "namespace" in metadata or resource.kind in CLUSTER_SCOPED:
        return resource
    inside = {"name": metadata["name"], "namespace": namespace}
    return resource._replace(body={**resource.body, "metadata": {**inside, **metadata}})


def lay_out(
    header: str,
    base: Sequence[Resource],
    environments: Mapping[str, tuple[str, Sequence[Resource]]],
) -> dict[str, str]:
    """Files of one unit, by path below it. `environments` holds namespace and objects by name."""
    variants = {
        name: {r.identity: r for r in resources} for name, (_, resources) in environments.items()
    }
    common = [r for r in base if all(r.identity in variant for variant in variants.values())]
    files: dict[str, str] = {}
    if common or not environments:
        _kustomization(files, "base", header, common, [], [])
    below = {r.identity: r for r in common}
    for name, (namespace, resources) in environments.items():
        _overlay(files, f"overlays/{name}", header, namespace, below, resources)
    return files


def lay_out_alone(
    header: str, name: str, namespace: str, resources: Sequence[Resource]
) -> dict[str, str]:
    """Files of one environment of a unit, which stand on no base: every object is whole."""
    placed = [place(resource, namespace) for resource in resources]
    return folder_files(header, f"overlays/{name}", placed)


def folder_files(header: str, folder: str, resources: Sequence[Resource]) -> dict[str, str]:
    """A kustomization of these objects below a folder of the unit; "" is the unit itself."""
    files: dict[str, str] = {}
    _kustomization(files, folder, header, resources, [], [])
    return files


def _overlay(
    files: dict[str, str],
    folder: str,
    header: str,
    namespace: str,
    base: Mapping[Identity, Resource],
    resources: Sequence[Resource],
) -> None:
    placed = [place(resource, namespace) for resource in resources]
    # kustomize's namespace transformer overwrites the namespace of every object and of accounts in
    # bindings, so it serves only where all of them share one.
    uniform = all(_is_all_in(r, namespace) for r in placed)
    patches = []
    for original, resource in zip(resources, placed, strict=True):
        below = base.get(resource.identity)
        if below is None:
            continue
        target = original if uniform else resource
        operations = patch.diff(below.body, target.body)
        if operations:
            if not patch.same(patch.apply(operations, below.body), target.body):
                raise RuntimeError(f"the patch of {resource.kind} {resource.name} is not exact")
            patches.append((resource, operations))
    added = [r for r in placed if r.identity not in base]
    settings = [("namespace", namespace)] if uniform else []
    bases = ["../../base"] if base else []
    _kustomization(files, folder, header, added, bases, settings, patches)


def _is_all_in(resource: Resource, namespace: str) -> bool:
    """Whether the object and the accounts it names as subjects are in the namespace."""
    subjects = resource.body.get("subjects")
    accounts = subjects if isinstance(subjects, list) else []
    return resource.body["metadata"].get("namespace") == namespace and all(
        isinstance(each, dict)
        and (each.get("kind") != "ServiceAccount" or each.get("namespace") == namespace)
        for each in accounts
    )


def _kustomization(
    files: dict[str, str],
    folder: str,
    header: str,
    resources: Sequence[Resource],
    bases: Sequence[str],
    settings: Sequence[tuple[str, str]],
    patches: Iterable[tuple[Resource, tuple[patch.Operation, ...]]] = (),
) -> None:
    """A kustomization and the files it names. `fifo`: what is written first is applied first."""
    prefix = f"{folder}/" if folder else ""
    listed = list(bases)
    for resource in resources:
        name = _free_name(files, prefix, resource, ".yaml")
        files[prefix + name] = header + yamltext.dump(resource.body)
        listed.append(name)
    targets = []
    for resource, operations in patches:
        name = _free_name(files, prefix, resource, ".patch.yaml")
        files[prefix + name] = header + yamltext.dump(patch.as_document(operations))
        targets.append({"path": name, "target": _target(resource)})
    document: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **dict(settings),
        "resources": listed,
        **({"patches": targets} if targets else {}),
        "sortOptions": {"order": "fifo"},
    }
    files[prefix + KUSTOMIZATION] = header + yamltext.dump(document)


def _target(resource: Resource) -> dict[str, str]:
    """Exactly one object: kustomize reads `name` as an anchored regular expression."""
    group, _, version = resource.api_version.rpartition("/")
    named = {
        "version": version,
        "kind": resource.kind,
        "name": _special.sub(r"\\\g<0>", resource.name),
    }
    return {"group": group, **named} if group else named


def _free_name(files: Mapping[str, str], prefix: str, resource: Resource, ending: str) -> str:
    """`kind-name.yaml`, of safe characters; told apart by a hash where two objects share it."""
    stem = _unsafe.sub("-", f"{resource.kind}-{resource.name}".lower())[:200]
    if (
        prefix + stem + ending in files
        or stem + ending != f"{resource.kind}-{resource.name}".lower() + ending
    ):
        stem += "-" + hashlib.sha256(repr(resource.identity).encode()).hexdigest()[:8]
    return stem + ending
