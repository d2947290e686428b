"""Writes data/schemas/custom.json.gz: the schemas of custom resources that modelmill's objects, and
those beside them, are of.

In: CustomResourceDefinitions as released, by the Go module proxy (`go` must be installed). Out: by
kind its schema without prose. data/schemas/README.md lists the releases and their licences.

    .venv/bin/python tools/custom_schemas.py
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from modelmill.validation.plain_yaml import documents

FOLDER = Path(__file__).parents[1] / "compiler/modelmill/data/schemas"
TARGET = FOLDER / "custom.json.gz"
DROPPED = frozenset(
    {"description", "example", "externalDocs", "title", "x-kubernetes-map-type"}
)  # fmt: skip


class Module(NamedTuple):
    """A Go module that holds CRDs: where, and of which kinds they are kept."""

    path: str
    version: str
    files: str
    kinds: tuple[str, ...]


MODULES = (
    Module(
        "sigs.k8s.io/gateway-api",
        "v1.6.0",
        "config/crd/standard/*.yaml",
        (
            "BackendTLSPolicy", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute", "ListenerSet",
            "ReferenceGrant", "TLSRoute",
        ),
    ),
    Module(
        "istio.io/api",
        "v1.31.1",
        "kubernetes/customresourcedefinitions.gen.yaml",
        (
            "AuthorizationPolicy", "DestinationRule", "EnvoyFilter", "PeerAuthentication",
            "ServiceEntry", "Telemetry", "VirtualService",
        ),
    ),
    Module(
        "github.com/envoyproxy/gateway",
        "v1.9.1",
        "charts/gateway-helm/charts/crds/crds/generated/*.yaml",
        (
            "Backend", "BackendTrafficPolicy", "ClientTrafficPolicy", "EnvoyExtensionPolicy",
            "HTTPRouteFilter", "SecurityPolicy",
        ),
    ),
    Module(
        "github.com/kedacore/keda/v2",
        "v2.21.0",
        "config/crd/bases/*.yaml",
        ("ClusterTriggerAuthentication", "ScaledObject", "TriggerAuthentication"),
    ),
    Module(
        "github.com/cert-manager/cert-manager",
        "v1.21.2",
        "deploy/crds/cert-manager.io_*.yaml",
        ("Certificate", "ClusterIssuer", "Issuer"),
    ),
    Module(
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        "config/crds/bases/*.yaml",
        ("ClusterSecretStore", "ExternalSecret", "SecretStore"),
    ),
    Module(
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "example/prometheus-operator-crd/*.yaml",
        ("PodMonitor", "PrometheusRule", "ServiceMonitor"),
    ),
    Module(
        "github.com/fluxcd/source-controller",
        "v1.7.0",
        "config/crd/bases/*.yaml",
        ("Bucket", "GitRepository", "OCIRepository"),
    ),
    Module(
        "github.com/fluxcd/kustomize-controller",
        "v1.7.3",
        "config/crd/bases/*.yaml",
        ("Kustomization",),
    ),
    Module(
        "github.com/argoproj/argo-cd/v3",
        "v3.5.7",
        "manifests/crds/*-crd.yaml",
        ("AppProject", "Application", "ApplicationSet"),
    ),
)  # fmt: skip


def main() -> None:
    found: dict[str, Any] = {}
    for module in MODULES:
        folder = downloaded(module)
        for path in sorted(folder.glob(module.files)):
            for kind, entry in kinds_in(path, module.kinds):
                found[kind] = entry
    data = json.dumps(dict(sorted(found.items())), separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(data.encode(), mtime=0))
    print(f"{TARGET.name}: {len(found)} kinds, {len(data):,} bytes as JSON, ", end="")
    print(f"{TARGET.stat().st_size:,} in the wheel")


def downloaded(module: Module) -> Path:
    """The folder of a module, whose checksum `go` holds against the checksum database."""
    asked = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def kinds_in(path: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for document in documents(path.name, path.read_bytes()):
        if not document or document.get("kind") != "CustomResourceDefinition":
            continue
        spec = document["spec"]
        if spec["names"]["kind"] not in wanted:
            continue
        for version in spec["versions"]:
            if version["served"]:
                kind = f"{spec['group']}/{version['name']} {spec['names']['kind']}"
                schema = pruned(version["schema"]["openAPIV3Schema"])
                schema["properties"].pop("status", None)
                yield kind, {"scope": spec["scope"], "schema": schema}


def pruned(schema: Any, *, are_fields: bool = False) -> Any:
    """A schema without prose. A field may be called as a word of schemas is."""
    if isinstance(schema, list):
        return [pruned(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: pruned(each, are_fields=key == "properties" and not are_fields)
        if key not in ("default", "enum")
        else each
        for key, each in schema.items()
        if are_fields or (key not in DROPPED and each != "atomic")
    }


if __name__ == "__main__":
    main()
