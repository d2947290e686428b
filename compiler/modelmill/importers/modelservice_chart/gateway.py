"""What chart v0.2 made besides the model's pods: endpoint picker, pool and route.

In: a release of that generation. Out: the picker's objects, InferencePool, InferenceModel and
HTTPRoute (llm-d-incubation/llm-d-modelservice v0.2.16, templates epp-*, inferencepool, httproute).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart.picker_configs import CONFIGS
from modelmill.importers.modelservice_chart.release import (
    Release,
    chart_labels,
    full_name,
    model_labels,
    picker_name,
)
from modelmill.importers.modelservice_chart.sidecar import service_port

GROUP = "inference.networking.x-k8s.io"
RBAC = "rbac.authorization.k8s.io"
LABEL = "llm-d.ai/epp"
GRPC_PORT, HEALTH_PORT, METRICS_PORT = 9002, 9003, 9090
_READ = ["get", "watch", "list"]


def picker_objects(release: Release) -> Iterator[dict[str, Any]]:
    """The endpoint picker: Deployment, ConfigMap, Role, RoleBinding, account and Service."""
    if not release.get("routing", "epp", "create"):
        return
    yield _deployment(release)
    yield _config_map(release)
    if not release.get("routing", "epp", "permissions"):
        yield _role(release)
    yield _role_binding(release)
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": picker_name(release), "labels": chart_labels(release)},
    }
    yield _service(release)


def routing_objects(release: Release) -> Iterator[dict[str, Any]]:
    """HTTPRoute, InferenceModel and InferencePool, each where it is asked for."""
    if release.get("routing", "httpRoute", "create"):
        yield _route(release)
    if release.get("routing", "inferenceModel", "create"):
        yield _model(release)
    if release.get("routing", "inferencePool", "create"):
        yield _pool(release)


def pool_name(release: Release) -> str:
    return str(release.get("routing", "inferencePool", "name") or full_name(release))


def _deployment(release: Release) -> dict[str, Any]:
    name, labels = picker_name(release), {LABEL: picker_name(release)}
    spec: dict[str, Any] = {"containers": [_container(release)]}
    if _config_file(release):
        volume = {"name": "plugins-config-volume", "configMap": {"name": name}}
        spec["volumes"] = [volume]
    spec |= {"serviceAccount": name, "serviceAccountName": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels, "namespace": release.namespace},
        "spec": {
            "replicas": release.get("routing", "epp", "replicas") or 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _container(release: Release) -> dict[str, Any]:
    epp = release.get("routing", "epp")
    found: dict[str, Any] = {
        "name": "epp",
        "imagePullPolicy": epp.get("imagePullPolicy") or "Always",
        "image": epp.get("image"),
        "args": _arguments(release),
    }
    if epp.get("env"):
        found["env"] = epp["env"]
    ports = {"grpc": GRPC_PORT, "grpc-health": HEALTH_PORT, "metrics": METRICS_PORT}
    found["ports"] = [
        *({"containerPort": port, "name": name, "protocol": "TCP"} for name, port in ports.items()),
        *(epp.get("extraContainerPorts") or []),
    ]
    for key, off in (
        ("readinessProbe", "disableReadinessProbe"),
        ("livenessProbe", "disableLivenessProbe"),
    ):
        if not epp.get(off):
            found[key] = _probe()
    if _config_file(release):
        found["volumeMounts"] = [{"name": "plugins-config-volume", "mountPath": "/config"}]
    return found


def _arguments(release: Release) -> list[str]:
    found = [
        *("--poolName", pool_name(release)),
        *("--poolNamespace", release.namespace),
        *("-v", written(release.get("routing", "epp", "debugLevel") or 4)),
        *("--zap-encoder", "json"),
        *("--grpcPort", str(GRPC_PORT)),
        *("--grpcHealthPort", str(HEALTH_PORT)),
    ]
    file = _config_file(release)
    return [*found, "-configFile", f"config/{file}"] if file else found


def _config_file(release: Release) -> str:
    return str(release.get("routing", "epp", "pluginsConfigFile") or "")


def _probe() -> dict[str, Any]:
    return {
        "grpc": {"port": HEALTH_PORT, "service": "envoy.service.ext_proc.v3.ExternalProcessor"},
        "initialDelaySeconds": 5,
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _config_map(release: Release) -> dict[str, Any]:
    custom = release.get("routing", "epp", "pluginsCustomConfig") or {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": picker_name(release), "namespace": release.namespace},
        "data": {**CONFIGS, **custom},
    }


def _role(release: Release) -> dict[str, Any]:
    rules = (
        (GROUP, ["inferencemodels", "inferencepools"], _READ),
        ("", ["pods"], _READ),
        ("discovery.k8s.io", ["endpointslices"], _READ),
        ("authentication.k8s.io", ["tokenreviews"], ["create"]),
        ("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    )
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": picker_name(release)},
        "rules": [
            {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
            for group, resources, verbs in rules
        ],
    }


def _role_binding(release: Release) -> dict[str, Any]:
    name = picker_name(release)
    role = release.get("routing", "epp", "permissions") or name
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": name}],
    }


def _service(release: Release) -> dict[str, Any]:
    given = release.get("routing", "epp", "service") or {}
    port = {
        "name": "grpc-ext-proc",
        "port": given.get("port"),
        "targetPort": given.get("targetPort"),
        "protocol": "TCP",
        "appProtocol": given.get("appProtocol"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": picker_name(release), "labels": chart_labels(release)},
        "spec": {
            "type": given.get("type"),
            "ports": [port, *(given.get("extraPorts") or [])],
            "selector": {LABEL: picker_name(release)},
        },
    }


def _pool(release: Release) -> dict[str, Any]:
    extension = release.get("routing", "inferencePool", "extensionRef") or picker_name(release)
    return {
        "apiVersion": f"{GROUP}/v1alpha2",
        "kind": "InferencePool",
        "metadata": {"name": pool_name(release), "namespace": release.namespace},
        "spec": {
            "extensionRef": {
                "failureMode": "FailClose",
                "group": "",
                "kind": "Service",
                "name": extension,
            },
            "selector": model_labels(release),
            "targetPortNumber": service_port(release),
        },
    }


def _model(release: Release) -> dict[str, Any]:
    given = release.get("routing", "inferenceModel")
    return {
        "apiVersion": f"{GROUP}/v1alpha2",
        "kind": "InferenceModel",
        "metadata": {
            "labels": model_labels(release),
            "name": given.get("name") or full_name(release),
        },
        "spec": {
            "criticality": given.get("criticality") or "Critical",
            "modelName": release.get("modelArtifacts", "name"),
            "poolRef": {"name": pool_name(release)},
        },
    }


def _route(release: Release) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if release.get("routing", "parentRefs"):
        spec["parentRefs"] = release.get("routing", "parentRefs")
    spec["rules"] = release.get("routing", "httpRoute", "rules") or [_rule(release)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": full_name(release),
            "namespace": release.namespace,
            "labels": chart_labels(release),
            "annotations": {"helm.sh/hook": "post-install,post-upgrade"},
        },
        "spec": spec,
    }


def _rule(release: Release) -> dict[str, Any]:
    given = release.get("routing", "httpRoute")
    backend = {
        "group": release.get("routing", "inferencePool", "apiGroup") or GROUP,
        "kind": "InferencePool",
        "name": pool_name(release),
        "port": service_port(release),
        "weight": 1,
    }
    rule: dict[str, Any] = {"backendRefs": [backend]}
    if given.get("timeouts"):
        rule["timeouts"] = given["timeouts"]
    rule["matches"] = given.get("matches") or [{"path": {"type": "PathPrefix", "value": "/"}}]
    return rule
