"""The chart's default values, by generation.

In: nothing. Out: what a release has where its values say nothing. Read from values.yaml of
llm-d-incubation/llm-d-modelservice v0.4.12 (3051935) and v0.2.16 (e7dfb0b^).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

CURRENT = "v0.4.12"
FORMER = "v0.2.16"

_SIMULATOR = "ghcr.io/llm-d/llm-d-inference-sim"


def _role(*, replicas: int, image: str) -> dict[str, Any]:
    return {
        "create": True,
        "autoscaling": {"enabled": False},
        "replicas": replicas,
        "nodeSelector": {},
        "parallelism": {"tensor": 1, "data": 1, "dataLocal": 1, "workers": 1},
        "resourceClaims": [],
        "containers": [
            {
                "name": "vllm",
                "image": image,
                "modelCommand": "imageDefault",
                "mountModelVolume": True,
                "volumeMounts": [{"mountPath": "/.config", "name": "metrics-volume"}],
            }
        ],
        "volumes": [{"emptyDir": {}, "name": "metrics-volume"}],
        "initContainers": [],
        "acceleratorTypes": {"labelKey": "", "labelValues": []},
        "monitoring": {
            "podmonitor": {
                "enabled": False,
                "portName": "metrics",
                "path": "/metrics",
                "interval": "30s",
                "labels": {},
                "annotations": {},
                "relabelings": [],
                "metricRelabelings": [],
            }
        },
    }


def _claim_template(name: str, device_class: str) -> dict[str, Any]:
    return {
        "name": f"{name}-claim-template",
        "class": device_class,
        "match": "exactly",
        "selectors": [],
    }


_SPAWN = {"name": "VLLM_WORKER_MULTIPROC_METHOD", "value": "spawn"}

_ACCELERATOR: dict[str, Any] = {
    "type": "nvidia",
    "dra": False,
    "resources": {
        "nvidia": "nvidia.com/gpu",
        "intel-i915": "gpu.intel.com/i915",
        "intel-xe": "gpu.intel.com/xe",
        "intel-gaudi": "habana.ai/gaudi",
        "amd": "amd.com/gpu",
        "google": "google.com/tpu",
        "rebellions-atom": "rebellions.ai/ATOM",
    },
    "env": {
        "intel-i915": [
            {"name": "VLLM_USE_V1", "value": "1"},
            {"name": "TORCH_LLM_ALLREDUCE", "value": "1"},
            _SPAWN,
        ],
        "intel-xe": [_SPAWN],
    },
    "resourceClaimTemplates": {
        "nvidia": _claim_template("nvidia", "gpu.nvidia.com"),
        "intel": _claim_template("intel", "gpu.intel.com"),
        "intel-i915": _claim_template("intel", "gpu.intel.com"),
        "intel-xe": _claim_template("intel", "gpu.intel.com"),
        "intel-gaudi": _claim_template("intel-gaudi", "gaudi.intel.com"),
        "amd": _claim_template("amd", "gpu.amd.com"),
        "google": _claim_template("google", "tpu.google.com"),
    },
}

_REQUESTER: dict[str, Any] = {
    "enable": False,
    "image": "ghcr.io/llm-d-incubation/llm-d-fast-model-actuation/requester:latest",
    "adminPort": 8081,
    "port": {"probes": 8080, "spi": 8081},
    "readinessProbe": {"initialDelaySeconds": 2, "periodSeconds": 5},
    "resources": {"limits": {"gpus": 1, "cpus": 1, "memory": "250Mi"}},
}

_ARTIFACTS: dict[str, Any] = {
    "name": "random/model",
    "uri": "hf://{{ .Values.modelArtifacts.name }}",
    "size": "5Mi",
    "authSecretName": "",
    "mountPath": "/model-cache",
}

_CURRENT: dict[str, Any] = {
    "common": {},
    "enabled": True,
    "fullnameOverride": "",
    "serviceAccountOverride": "",
    "multinode": False,
    "extraObjects": [],
    "modelArtifacts": {
        **_ARTIFACTS,
        "labels": {"llm-d.ai/inference-serving": "true"},
        "readOnly": True,
    },
    "accelerator": _ACCELERATOR,
    "requester": _REQUESTER,
    "routing": {
        "servicePort": 8000,
        "proxy": {
            "enabled": True,
            "image": "ghcr.io/llm-d/llm-d-routing-sidecar:latest",
            "imagePullPolicy": "Always",
            "targetPort": 8200,
            "connector": "nixlv2",
            "secure": False,
            "zapEncoder": "json",
            "zapLogLevel": "debug",
        },
    },
    "tracing": {
        "enabled": False,
        "otlpEndpoint": "http://otel-collector:4317",
        "sampling": {"sampler": "parentbased_traceidratio", "samplerArg": "1.0"},
        "serviceNames": {
            "vllmDecode": "vllm-decode",
            "vllmPrefill": "vllm-prefill",
            "routingProxy": "routing-proxy",
        },
        "vllm": {"collectDetailedTraces": "all"},
    },
    "decode": _role(replicas=1, image=f"{_SIMULATOR}:latest"),
    "prefill": _role(replicas=0, image=f"{_SIMULATOR}:latest"),
}

_PARENT_REF: dict[str, Any] = yaml.safe_load("""
group: gateway.networking.k8s.io
kind: Gateway
name: inference-gateway
namespace: '{{ .Release.Namespace }}'
""")

_FORMER: dict[str, Any] = {
    "common": {},
    "enabled": True,
    "fullnameOverride": "",
    "serviceAccountOverride": "",
    "multinode": False,
    "extraObjects": [],
    "modelArtifacts": _ARTIFACTS,
    "accelerator": _ACCELERATOR,
    "requester": _REQUESTER,
    "routing": {
        "servicePort": 8000,
        "parentRefs": [_PARENT_REF],
        "proxy": {
            "enabled": True,
            "image": "ghcr.io/llm-d/llm-d-routing-sidecar:v0.2.0",
            "imagePullPolicy": "Always",
            "targetPort": 8200,
            "connector": "nixlv2",
            "debugLevel": 5,
            "secure": False,
        },
        "inferencePool": {"create": True, "apiGroup": "inference.networking.x-k8s.io"},
        "inferenceModel": {"create": False, "criticality": "Critical"},
        "httpRoute": {
            "create": True,
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "timeouts": {"backendRequest": "0s", "request": "0s"},
        },
        "epp": {
            "create": True,
            "service": {
                "type": "ClusterIP",
                "port": 9002,
                "targetPort": 9002,
                "appProtocol": "http2",
            },
            "image": "ghcr.io/llm-d/llm-d-inference-scheduler:v0.2.1",
            "replicas": 1,
            "debugLevel": 4,
            "disableReadinessProbe": False,
            "disableLivenessProbe": False,
            "env": [],
            "pluginsConfigFile": "default-config.yaml",
        },
    },
    "decode": _role(replicas=1, image=f"{_SIMULATOR}:v0.3.0"),
    "prefill": _role(replicas=0, image=f"{_SIMULATOR}:v0.3.0"),
}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {CURRENT: _CURRENT, FORMER: _FORMER}
