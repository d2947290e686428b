"""The schemas of kinds: Kubernetes' own by version, and of custom resources, from wherever the user
has them.

In: a version of Kubernetes, and sources of custom kinds. Out: a kind's Schema, read when first
asked for. data/schemas/README.md says where the data that ships is from.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from modelmill.diagnostics import closest
from modelmill.syntax import parse
from modelmill.tree import plain
from modelmill.tuples import NamedTuple
from modelmill.validation.schema import IDENTITY, METADATA, Schema

CLUSTER_WIDE = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole",
        "ClusterRoleBinding", "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition",
        "DeviceClass", "DeviceTaintRule", "FlowSchema", "IPAddress", "IngressClass",
        "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
        "Namespace", "Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration",
        "ResourceSlice", "RuntimeClass", "SelfSubjectReview", "ServiceCIDR", "StorageClass",
        "StorageVersionMigration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
    }
)  # fmt: skip
"""Built-in kinds that are in no namespace (`kubectl api-resources --namespaced=false`)."""


class Kind(NamedTuple):
    """What an object says it is."""

    api_version: str
    kind: str

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]


Source = Callable[[Kind], Schema | None]
"""Where schemas of custom kinds are found."""


class Schemas:
    """Every schema there is: the user's own, which are of the cluster, before those that ship."""

    def __init__(self, kubernetes: str, sources: Sequence[Source] = ()) -> None:
        self.kubernetes = kubernetes
        self._sources = sources
        self._found: dict[Kind, Schema | None] = {}

    def find(self, kind: Kind) -> Schema | None:
        if kind not in self._found:
            own = (*self._sources, self._builtin, self._custom)
            named = (source(kind) for source in own)
            self._found[kind] = next((each for each in named if each is not None), None)
        return self._found[kind]

    def served(self, kind: Kind) -> tuple[str, ...]:
        """API versions in which this Kubernetes serves a kind of the name."""
        found = (Kind(*each.split(" ")) for each in _table(self.kubernetes).kinds)
        return tuple(each.api_version for each in found if each.kind == kind.kind)

    def near(self, kind: Kind) -> str | None:
        """The built-in kind of the same API version that was probably meant."""
        found = (Kind(*each.split(" ")) for each in _table(self.kubernetes).kinds)
        return closest(kind.kind, [e.kind for e in found if e.api_version == kind.api_version])

    def is_builtin_group(self, kind: Kind) -> bool:
        """Whether no custom resource can be of the kind's group."""
        groups = {Kind(*each.split(" ")).group for each in _table(self.kubernetes).kinds}
        return kind.group in groups or kind.group == ""

    def _builtin(self, kind: Kind) -> Schema | None:
        table = _table(self.kubernetes)
        name = table.kinds.get(str(kind))
        if name is None:
            return None
        is_namespaced = kind.kind not in CLUSTER_WIDE
        root = {**table.definitions[name], "type": "object"}
        return Schema(root, table.definitions, {}, is_builtin=True, is_namespaced=is_namespaced)

    def _custom(self, kind: Kind) -> Schema | None:
        """What ships: CRDs of what stands beside modelmill's objects."""
        entry = custom_kinds().get(str(kind))
        if entry is None:
            return None
        is_namespaced = entry["scope"] != "Cluster"
        return custom(self.kubernetes, entry["schema"], is_namespaced=is_namespaced)


def custom(kubernetes: str, schema: Mapping[str, Any], *, is_namespaced: bool | None) -> Schema:
    """The schema of a custom resource: what every object has, it need not say."""
    definitions = _table(kubernetes).definitions
    fields = {**schema.get("properties", {}), **IDENTITY}
    root = {**schema, "type": "object", "properties": fields}
    return Schema(root, definitions, {}, is_namespaced=is_namespaced)


class _Table(NamedTuple):
    kinds: Mapping[str, str]
    definitions: Mapping[str, Any]


@cache
def _table(version: str) -> _Table:
    """One version's kinds and definitions."""
    data = _shipped()
    used = data["versions"][version]
    definitions = {n: data["definitions"][n][which] for n, which in used["definitions"].items()}
    assert METADATA in definitions
    return _Table(used["kinds"], definitions)


@cache
def kubernetes_versions() -> tuple[str, ...]:
    """Versions whose schemas ship, oldest first."""
    return tuple(_shipped()["versions"])


@cache
def _shipped() -> Any:
    return json.loads(gzip.decompress(_read("kubernetes.json.gz")))


@cache
def superseded(kind: Kind) -> str:
    """What stands for a kind that its own project has given up; "" for any other."""
    name = "superseded.yaml"
    known: Mapping[str, str] = plain(parse(name, _read(name)))
    return known.get(str(kind), "")


@cache
def custom_kinds() -> Mapping[str, Any]:
    """By kind, its scope and schema. data/schemas/llm-d.yaml holds those of `spec` alone, which
    only a pool must have."""
    name = "llm-d.yaml"
    found: dict[str, Any] = json.loads(gzip.decompress(_read("custom.json.gz")))
    for kind, spec in plain(parse(name, _read(name))).items():
        required = ["spec"] if kind.endswith(" InferencePool") else []
        whole = {"required": required, "properties": {"spec": {"type": "object", **spec}}}
        found[kind] = {"scope": "Namespaced", "schema": whole}
    return found


def _read(name: str) -> bytes:
    return files("modelmill").joinpath("data", "schemas", name).read_bytes()
