"""Scalers of a service's workloads.

In: a service. Out: HorizontalPodAutoscalers and ScaledObjects
(pkg/controller/v1alpha2/llmisvc/scaling.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.children.frame import Manifest, Service, labels, manifest
from modelmill.importers.llmisvc.children.workloads import workload_name

METRIC = "wva_desired_replicas"
ACCELERATOR = "inference.optimization/acceleratorName"
_KEDA = (
    "pollingInterval",
    "cooldownPeriod",
    "initialCooldownPeriod",
    "idleReplicaCount",
    "fallback",
    "advanced",
)


def scalers(service: Service) -> Iterator[Manifest]:
    for workload, part in ((service.spec, ""), (service.spec.get("prefill") or {}, "-prefill")):
        scaling = workload.get("scaling")
        if scaling is not None:
            yield _scaler(service, workload, scaling, part)


def _scaler(
    service: Service, workload: Mapping[str, Any], scaling: Mapping[str, Any], part: str
) -> Manifest:
    api, kind, name = workload_name(service, workload, part)
    target = {"apiVersion": api, "kind": kind, "name": name}
    own = labels(service, f"workload{part}")
    wva = scaling.get("wva")
    if wva is None:
        made = service.child(f"-kserve{part}-keda")
        spec = _scaled_object(
            scaling, scaling["keda"], target, scaling["keda"].get("triggers") or []
        )
        return manifest(service, "keda.sh/v1alpha1", "ScaledObject", made, own, spec=spec)
    chosen = (workload.get("labels") or {}).get(ACCELERATOR)
    own[ACCELERATOR] = str(chosen or "unknown")
    noted = _annotations(service, wva)
    if wva.get("hpa") is not None:
        made = service.child(f"-kserve{part}-hpa")
        spec = _hpa(scaling, wva["hpa"], target, made)
        kind = "HorizontalPodAutoscaler"
        return manifest(service, "autoscaling/v2", kind, made, own, noted, spec=spec)
    made = service.child(f"-kserve{part}-keda")
    trigger = _trigger(service, made)
    spec = _scaled_object(scaling, wva.get("keda") or {}, target, [trigger])
    return manifest(service, "keda.sh/v1alpha1", "ScaledObject", made, own, noted, spec=spec)


def _annotations(service: Service, wva: Mapping[str, Any]) -> dict[str, str]:
    model = service.spec.get("model", {})
    return {
        "llm-d.ai/managed": "true",
        "llm-d.ai/model-id": str(model.get("name") or model.get("uri", "")),
        "llm-d.ai/variant-cost": str(wva.get("variantCost", "10.0")),
    }


def _hpa(
    scaling: Mapping[str, Any], hpa: Mapping[str, Any], target: Manifest, name: str
) -> Manifest:
    metric = {"name": METRIC, "selector": {"matchLabels": {"variant_name": name}}}
    external = {"metric": metric, "target": {"type": "Value", "value": "1"}}
    spec: Manifest = {
        "scaleTargetRef": target,
        "minReplicas": scaling.get("minReplicas", 1),
        "maxReplicas": scaling["maxReplicas"],
        "metrics": [{"type": "External", "external": external}],
    }
    return {**spec, **({"behavior": hpa["behavior"]} if hpa.get("behavior") else {})}


def _scaled_object(
    scaling: Mapping[str, Any],
    keda: Mapping[str, Any],
    target: Manifest,
    triggers: list[Manifest],
) -> Manifest:
    return {
        "scaleTargetRef": target,
        "minReplicaCount": scaling.get("minReplicas", 1),
        "maxReplicaCount": scaling["maxReplicas"],
        **{key: keda[key] for key in _KEDA if keda.get(key) is not None},
        "triggers": triggers,
    }


def _trigger(service: Service, name: str) -> Manifest:
    prometheus = service.platform.prometheus
    query = f'{METRIC}{{variant_name="{name}",exported_namespace="{service.namespace}"}}'
    metadata = {
        "serverAddress": str(prometheus.get("url", "")),
        "query": query,
        "threshold": "1",
        "unsafeSsl": str(bool(prometheus.get("tlsInsecureSkipVerify"))).lower(),
    }
    found: Manifest = {"type": "prometheus", "name": "wva-desired-replicas", "metadata": metadata}
    if prometheus.get("authModes"):
        metadata["authModes"] = str(prometheus["authModes"])
        kind = prometheus.get("triggerAuthKind", "TriggerAuthentication")
        found["authenticationRef"] = {"name": prometheus.get("triggerAuthName", ""), "kind": kind}
    return found
