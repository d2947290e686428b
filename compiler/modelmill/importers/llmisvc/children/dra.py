"""Devices that a service claims by annotations (pkg/controller/v1alpha2/llmisvc/managed_dra.go)."""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.importers.llmisvc.children.frame import Manifest, Service, labels, manifest

_PREFIX = "serving.kserve.io/exp-dra-"
CLAIM = "managed-device"


def _said(service: Service, key: str) -> str:
    return str((service.metadata.get("annotations") or {}).get(_PREFIX + key, "")).strip()


def template_name(service: Service) -> str:
    return service.child("-managed-dra")


def templates(service: Service) -> Iterator[Manifest]:
    """The ResourceClaimTemplate, where a class is named."""
    device = _said(service, "device-class")
    if not device:
        return
    exactly: Manifest = {"deviceClassName": device}
    count = _said(service, "device-count")
    if count and int(count) > 1:
        exactly["count"] = int(count)
    lines = [line.strip() for line in _said(service, "cel-selector").splitlines() if line.strip()]
    if lines:
        exactly["selectors"] = [{"cel": {"expression": line}} for line in lines]
    request = {"devices": {"requests": [{"name": "device", "exactly": exactly}]}}
    own = labels(service, "workload")
    name = template_name(service)
    kind = "ResourceClaimTemplate"
    yield manifest(service, "resource.k8s.io/v1", kind, name, own, spec={"spec": request})


def claimed(service: Service, pod: Manifest) -> Manifest:
    """The pod with its claim, on its first container or the one that is named."""
    if not _said(service, "device-class") or not pod.get("containers"):
        return pod
    wanted = _said(service, "container-name") or pod["containers"][0]["name"]
    containers = []
    for each in pod["containers"]:
        if each["name"] == wanted:
            asked = each.get("resources") or {}
            claims = [*(asked.get("claims") or []), {"name": CLAIM}]
            each = {**each, "resources": {**asked, "claims": claims}}
        containers.append(each)
    entry = {"name": CLAIM, "resourceClaimTemplateName": template_name(service)}
    return {**pod, "containers": containers,
            "resourceClaims": [*(pod.get("resourceClaims") or []), entry]}  # fmt: skip
