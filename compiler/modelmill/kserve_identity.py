"""Names and labels of what KServe's controller makes for a service.

In: a service's name and a part of it. Out: names and labels by which objects beside the service
know its children (kserve/kserve v0.20, pkg/controller/v1alpha2/llmisvc).
"""

from __future__ import annotations

from modelmill.names import COMPONENT, NAME, kserve_name

PART_OF = "app.kubernetes.io/part-of"
OWNER = "llminferenceservice"
PORT = 8000
"""Port of requests, which presets and the Service of a service have."""
PORT_BEHIND_SIDECAR = 8001
PREFILL = "-prefill"
# What KServe calls the parts of a model.
COMPONENTS = {"model": "workload", "epp": "router-scheduler"}


def workload_name(service: str, part: str, *, is_group: bool) -> str:
    """Name of a Deployment or LeaderWorkerSet; `part` is "" or PREFILL."""
    return kserve_name(service, f"-kserve-mn{part}" if is_group else f"-kserve{part}")


def labels(service: str, component: str) -> dict[str, str]:
    """Labels of one component: `workload`, `workload-leader-prefill`, `router-scheduler`."""
    return {COMPONENT: f"{OWNER}-{component}", NAME: service, PART_OF: OWNER}


def component_labels(service: str, component: str) -> dict[str, str]:
    """The same by what the component is called here: `model` or `epp`."""
    return labels(service, COMPONENTS.get(component, component))


def serving_component(part: str, *, is_group: bool) -> str:
    """The component whose pods take requests: a group's leaders do."""
    return f"workload-leader{part}" if is_group else f"workload{part}"


def group_components(part: str) -> list[str]:
    """The values of the label of a group's pods, leaders and workers."""
    return [f"{OWNER}-workload-{each}{part}" for each in ("leader", "worker")]


def picker_name(service: str) -> str:
    """Name of the endpoint picker's Deployment."""
    return kserve_name(service, "-kserve-router-scheduler")


def picker_service(service: str) -> str:
    return kserve_name(service, "-epp-service")


def pool_name(service: str) -> str:
    return kserve_name(service, "-inference-pool")


def service_name(service: str) -> str:
    """Name of the Service of a service's pods."""
    return kserve_name(service, "-kserve-workload-svc")


def tokenizer_name(service: str) -> str:
    return kserve_name(service, "-tokenizer")
