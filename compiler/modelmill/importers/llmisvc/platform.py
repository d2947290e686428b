"""What a platform sets for all services: KServe's ConfigMap `inferenceservice-config`.

In: its `data`, JSON texts by name. Out: a `Platform`. What it does not say is as KServe has it
(pkg/controller/v1alpha2/llmisvc/config_loader.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.jsontext import read_json
from modelmill.tuples import NamedTuple

DEFAULT_HEADER = "X-Gateway-Model-Name"
SYSTEM_NAMESPACE = "kserve"


class Platform(NamedTuple):
    """Facts of an installation of KServe.

    namespace            where it runs and its presets are
    prefix               what the names of its presets begin with
    gateway              namespace and name of the Gateway of routes that name none
    tls                  whether engines, sidecars and picker speak TLS
    model_header         header that tells a request's model
    model_routing        enabled, forced or disabled: whether routes go by that header
    storage              the storageInitializer entry
    ca_bundle            name of the ConfigMap with further CAs, "" for none
    prometheus           the Prometheus of the workload variant autoscaler
    """

    namespace: str = SYSTEM_NAMESPACE
    prefix: str = "kserve-"
    gateway: tuple[str, str] = ("kserve", "kserve-ingress-gateway")
    tls: bool = False
    model_header: str = DEFAULT_HEADER
    model_routing: str = "enabled"
    storage: Mapping[str, Any] = {}
    ca_bundle: str = ""
    prometheus: Mapping[str, Any] = {}
    cluster_domain: str = "cluster.local"


class Unreadable(ValueError):
    """An entry of the ConfigMap that is no JSON: its key."""


def platform_of(data: Mapping[str, str], namespace: str = SYSTEM_NAMESPACE) -> Platform:
    """The platform a ConfigMap describes; raises Unreadable."""
    ingress, storage = _entry(data, "ingress"), _entry(data, "storageInitializer")
    space, _, name = str(ingress.get("kserveIngressGateway") or "").rpartition("/")
    scaling = _entry(data, "autoscaling-wva-controller-config")
    return Platform(
        namespace=namespace,
        gateway=(space, name) if name else Platform().gateway,
        tls=_truth(ingress.get("enableLLMInferenceServiceTLS")),
        model_header=str(ingress.get("modelBasedRoutingHeaderName") or DEFAULT_HEADER),
        model_routing=str(ingress.get("modelBasedRoutingMode") or "enabled"),
        storage=storage,
        ca_bundle=str(storage.get("caBundleConfigMapName") or ""),
        prometheus=scaling.get("prometheus") or {},
    )


def template_data(platform: Platform, namespace: str, pool: str) -> dict[str, Any]:
    """What templates see as GlobalConfig."""
    space, name = platform.gateway
    return {
        "SystemNamespace": platform.namespace,
        "IngressGatewayName": name,
        "IngressGatewayNamespace": space,
        "EnableTLS": platform.tls,
        "ModelBasedRoutingHeaderName": platform.model_header,
        "InferencePoolNamespacedName": f"{namespace}/{pool}",
    }


def _entry(data: Mapping[str, str], key: str) -> Mapping[str, Any]:
    text = data.get(key)
    if not text:
        return {}
    try:
        found = read_json(text)
    except ValueError:
        raise Unreadable(key) from None
    if not isinstance(found, dict):
        raise Unreadable(key)
    return found


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
