"""Which object lands in which file.

In: the objects of a model without an environment and in each. Out: the files of its unit: a base of
what every environment has, and per environment a small kustomization of patches and added objects.
Overlays are JSON 6902 by difference, each proved to apply; nothing here decides a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from modelmill import patch, yamltext
from modelmill.hashes import sha256
from modelmill.regexes import regex
from modelmill.resource import Resource

Identity = tuple[str, str, str]
Text = tuple[Resource, str]
"""An object, and what a file of it holds."""
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
_unsafe = regex(r"[^a-z0-9.-]+")
_special = regex(r"[^a-z0-9-]")


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
    have = [{each.identity for each in resources} for _, resources in environments.values()]
    everywhere = set.intersection(*have) if have else None
    common = [each for each in base if everywhere is None or each.identity in everywhere]
    files: dict[str, str] = {}
    written = Written()
    if common or not environments:
        _kustomization(files, "base", header, map(written.whole, common), [], [])
    below = {r.identity: r for r in common}
    for name, (namespace, resources) in environments.items():
        _overlay(files, f"overlays/{name}", header, namespace, below, resources, written)
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
    _kustomization(files, folder, header, map(Written().whole, resources), [], [])
    return files


class Written:
    """Texts of a unit's files. Environments share many objects: what is one object, or one below
    and one above it, is compared and written once."""

    def __init__(self) -> None:
        # Bodies are kept beside their texts: else an id could come to mean another one.
        self._known: dict[tuple[int, ...], tuple[str, object]] = {}

    def whole(self, resource: Resource) -> Text:
        """The object as it is."""
        body = resource.body
        known = self._known.get((id(body),))
        if known is None:
            known = self._known[id(body),] = (yamltext.dump(body), body)
        return resource, known[0]

    def patch(self, below: Resource, target: Resource) -> Text:
        """What makes one object of another; "" where nothing does."""
        bodies = below.body, target.body
        key = (id(below.body), id(target.body))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (_patch(target, *bodies), bodies)
        return target, known[0]


def _patch(resource: Resource, below: dict[str, Any], body: dict[str, Any]) -> str:
    operations = patch.diff(below, body)
    if not operations:
        return ""
    if not patch.same(patch.apply(operations, below), body):
        raise RuntimeError(f"the patch of {resource.kind} {resource.name} is not exact")
    return yamltext.dump(patch.as_document(operations))


def _overlay(
    files: dict[str, str],
    folder: str,
    header: str,
    namespace: str,
    base: Mapping[Identity, Resource],
    resources: Sequence[Resource],
    written: Written,
) -> None:
    # kustomize's namespace transformer overwrites the namespace of every object and of accounts in
    # bindings, so it serves only where all of them share one.
    uniform = all(_is_all_in(each, namespace) for each in resources)
    added, patches = [], []
    for resource in resources:
        below = base.get(resource.identity)
        if below is None:
            added.append(written.whole(place(resource, namespace)))
            continue
        target = resource if uniform else place(resource, namespace)
        if target.body is not below.body:
            patches.append(written.patch(below, target))
    settings = [("namespace", namespace)] if uniform else []
    bases = ["../../base"] if base else []
    _kustomization(files, folder, header, added, bases, settings, patches)


def _is_all_in(resource: Resource, namespace: str) -> bool:
    """Whether the object will be in the namespace, and the accounts that it names as subjects."""
    own = None if resource.kind in CLUSTER_SCOPED else namespace
    if resource.body["metadata"].get("namespace", own) != namespace:
        return False
    subjects = resource.body.get("subjects")
    return not isinstance(subjects, list) or all(
        isinstance(each, dict)
        and (each.get("kind") != "ServiceAccount" or each.get("namespace") == namespace)
        for each in subjects
    )


def _kustomization(
    files: dict[str, str],
    folder: str,
    header: str,
    resources: Iterable[Text],
    bases: Sequence[str],
    settings: Sequence[tuple[str, str]],
    patches: Iterable[Text] = (),
) -> None:
    """A kustomization and the files it names. `fifo`: what is written first is applied first."""
    prefix = f"{folder}/" if folder else ""
    listed = list(bases)
    for resource, text in resources:
        name = _free_name(files, prefix, resource, ".yaml")
        files[prefix + name] = header + text
        listed.append(name)
    targets = []
    for resource, text in patches:
        if not text:
            continue
        name = _free_name(files, prefix, resource, ".patch.yaml")
        files[prefix + name] = header + text
        targets.append({"path": name, "target": _target(*resource.identity)})
    document: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **dict(settings),
        "resources": listed,
        **({"patches": targets} if targets else {}),
        "sortOptions": {"order": "fifo"},
    }
    files[prefix + KUSTOMIZATION] = header + yamltext.dump(document)


@lru_cache(maxsize=256)  # the environments of a model ask for the same
def _target(api_version: str, kind: str, name: str) -> dict[str, str]:
    """Exactly one object: kustomize reads `name` as an anchored regular expression."""
    group, _, version = api_version.rpartition("/")
    named = {"version": version, "kind": kind, "name": _special.sub(r"\\\g<0>", name)}
    return {"group": group, **named} if group else named


def _free_name(files: Mapping[str, str], prefix: str, resource: Resource, ending: str) -> str:
    """`kind-name.yaml`, of safe characters; told apart by a hash where two objects share it."""
    whole, stem = _stems(resource.kind, resource.name)
    if stem != whole or prefix + stem + ending in files:
        stem += "-" + sha256(repr(resource.identity))[:8]
    return stem + ending


@lru_cache(maxsize=256)
def _stems(kind: str, name: str) -> tuple[str, str]:
    """`kind-name`, and what of it is safe in the name of a file."""
    whole = f"{kind}-{name}".lower()
    return whole, _unsafe.sub("-", whole)[:200]
