"""What all children of a service share: names, labels, what is handed down to them.

In: a composed service. Out: a `Service`, and the metadata of its children
(pkg/controller/v1alpha2/llmisvc, pkg/constants).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.llmisvc.platform import Platform
from modelmill.names import kserve_name as child_name
from modelmill.tuples import NamedTuple

Manifest = dict[str, Any]

COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
SERVED = "kserve.io/component"
ROLE = "llm-d.ai/role"
MODEL_ROUTING = "serving.kserve.io/model-based-routing-enabled"
# Prefixes of a service's own metadata that its workloads and their pods take over.
POD_ANNOTATIONS = (
    "k8s.v1.cni.cncf.io",
    "kueue.x-k8s.io",
    "prometheus.io",
    "internal.serving.kserve.io/localmodel",
)
POD_LABELS = ("kueue.x-k8s.io", "internal.serving.kserve.io/localmodel")
GROUP_ANNOTATIONS = ("leaderworkerset.sigs.k8s.io",)
SIDECAR = "llm-d-routing-sidecar"
MAIN = "main"


class Service(NamedTuple):
    """A service as its children are made of it: metadata, the composed specification, the platform,
    and its LoRA adapters as (name, URI)."""

    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    platform: Platform

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", "default"))

    @property
    def adapters(self) -> list[tuple[str, str]]:
        lora = self.spec.get("model", {}).get("lora") or {}
        return sorted((each["name"], each.get("uri", "")) for each in lora.get("adapters") or [])

    @property
    def router(self) -> Mapping[str, Any]:
        return self.spec.get("router") or {}

    @property
    def scheduler(self) -> Mapping[str, Any] | None:
        return self.router.get("scheduler")

    @property
    def has_picker(self) -> bool:
        """Whether a picker is made: not where the pool is somebody else's."""
        scheduler = self.scheduler
        if scheduler is None or scheduler.get("template") is None:
            return False
        return not (scheduler.get("pool") or {}).get("ref")

    @property
    def pool(self) -> str:
        ref = ((self.scheduler or {}).get("pool") or {}).get("ref")
        return str(ref["name"]) if ref else self.child("-inference-pool")

    def child(self, suffix: str) -> str:
        return child_name(self.name, suffix)


def labels(service: Service, component: str, **extra: str) -> dict[str, str]:
    return {
        COMPONENT: f"llminferenceservice-{component}",
        NAME: service.name,
        PART_OF: "llminferenceservice",
        **extra,
    }


def manifest(
    service: Service,
    api_version: str,
    kind: str,
    name: str,
    own: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """A child in the service's namespace. Its owner is known only in the cluster."""
    metadata: Manifest = {"name": name, "namespace": service.namespace}
    if own:
        metadata["labels"] = dict(sorted(own.items()))
    if annotations:
        metadata["annotations"] = dict(sorted(annotations.items()))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def handed_down(
    service: Service, more: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations of the service itself that workloads and pods take over."""
    own, noted = service.metadata.get("labels") or {}, service.metadata.get("annotations") or {}
    return (
        {key: value for key, value in own.items() if key.startswith(POD_LABELS)},
        {key: value for key, value in noted.items() if key.startswith((*POD_ANNOTATIONS, *more))},
    )


def has_sidecar(pod: Mapping[str, Any]) -> bool:
    return any(each.get("name") == SIDECAR for each in pod.get("initContainers") or [])


def container(pod: Mapping[str, Any], name: str, field: str = "containers") -> Manifest | None:
    return next((each for each in pod.get(field) or [] if each.get("name") == name), None)
