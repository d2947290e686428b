"""Whatever a file says, a command ends with findings: never in a bug of ours, or in silence."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill import yamltext
from support import compiled, run, write_files

API = "modelmill.dev/v1alpha1"
# None is a restart policy as well, and a strategy and a policy of ExternalSecrets.
PYTHON = re.compile(
    r"<modelmill|NoneType|(?<!AfterStart, )(?<!Strategy: )(?<!Policy: )\bNone\b"
    r"|dict_keys|object at 0x"
)
CONTAINER = {
    "image": "ghcr.io/acme/side:v1",
    "command": ["a"],
    "args": ["b"],
    "env": {"A": "b", "C": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}},
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    "restartPolicy": "Always",
    "ports": {"extra": {"containerPort": 9}},
    "volumeMounts": {"/scratch": {"name": "scratch"}},
    "envFrom": [{"configMapRef": {"name": "c"}}],
    "securityContext": {"runAsUser": 1000},
    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    "imagePullPolicy": "Always",
    "workingDir": "/",
    "probes": {"startup": {"exec": {"command": ["true"]}, "periodSeconds": 1}},
}
POD = {
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": {"a": {"operator": "Exists"}},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
            }
        }
    },
    "topologySpreadConstraints": {"zone": {"maxSkew": 1}},
    "volumes": {"scratch": {"emptyDir": {"sizeLimit": "1Gi"}}},
    "initContainers": {"first": CONTAINER},
    "containers": {"beside": CONTAINER},
    "imagePullSecrets": {"regcred": {}},
    "securityContext": {"fsGroup": 1},
    "serviceAccountName": "other",
    "automountServiceAccountToken": True,
    "priorityClassName": "high",
    "schedulerName": "volcano",
    "terminationGracePeriodSeconds": 5,
    "hostAliases": [{"ip": "1.2.3.4"}],
    "dnsConfig": {"searches": ["a"]},
    "resourceClaims": {
        "rdma": {
            "requests": {"nic": {"deviceClass": "rdma.example.com", "allocationMode": "All"}},
            "constraints": [{"matchAttribute": "example.com/root"}],
            "config": [{"opaque": {"driver": "example.com", "parameters": {"a": 1}}}],
            "name": "nics",
        },
        "imex": {"template": "imex-channel"},
        "shared": {"claim": "one-for-all"},
    },
    "fields": {"setHostnameAsFQDN": True},
}
FIELDS = {k: v for k, v in CONTAINER.items() if k not in ("image", "command", "args", "env")}
WORKLOAD = {
    "engine": {
        "type": "vllm",
        "version": "v0.26.0",
        "image": "vllm/vllm-openai:${engine.version}",
        "args": {"max-model-len": 4096, "enable-prefix-caching": True, "block-size": None},
        "env": {"A": 1, "B": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
        "command": ["serve"],
    },
    "accelerator": {
        "name": "h100",
        "vendor": "nvidia",
        "resource": "nvidia.com/gpu",
        "memory": "80Gi",
        "perNode": 8,
        "nodeLabels": {"product": ["h100"]},
        "tolerations": {"nvidia.com/gpu": {"operator": "Exists"}},
        "env": {"C": "d"},
        "allocation": "dra",
        "claims": {
            "gpu": {
                "requests": {
                    "gpu": {
                        "count": 4,
                        "firstAvailable": {
                            "best": {"deviceClass": "gpu.nvidia.com", "selectors": ["true"]},
                            "next": {"deviceClass": "gpu.nvidia.com", "fields": {"capacity": {}}},
                        },
                    }
                }
            }
        },
    },
    "resources": {"requests": {"cpu": "4"}, "limits": {"memory": "64Gi"}},
    "sharedMemory": "2Gi",
    "kvTransfer": {"connector": "nixl", "config": {"kv_buffer_size": 1}},
    "kvCacheOffloading": {
        "connector": "native",
        "cpu": "1Gi",
        "evictionPolicy": "lru",
        "blockSize": 256,
        "tiers": {
            "a": {"emptyDir": {"size": "1Gi"}, "threads": 2},
            "b": {
                "claim": {"size": "1Gi", "storageClassName": "s", "accessModes": ["ReadWriteMany"]}
            },
            "c": {"existingClaim": {"name": "c", "path": "a"}},
        },
        "config": {"store_threshold": 1},
    },
    "kvEvents": {"port": 5556, "replayPort": 5559, "topic": "kv@", "config": {"hwm": 1}},
    "probes": {"readiness": {"httpGet": {"path": "/x"}}, "liveness": {"failureThreshold": 2}},
    "strategy": {"type": "RollingUpdate", "maxSurge": "1"},
    "podDisruptionBudget": {"maxUnavailable": "1"},
    "podMonitor": {
        "interval": "10s",
        "labels": {"a": "b"},
        "annotations": {"a": "b"},
        "port": "metrics",
        "relabelings": [{"targetLabel": "x"}],
        "metricRelabelings": [{"action": "drop"}],
        "fields": {"podTargetLabels": ["a"]},
    },
    "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
    "pod": POD,
    "container": {
        k: v for k, v in FIELDS.items() if k not in ("resources", "restartPolicy", "probes")
    },
}
PLUGINS = {
    "scorer": {"type": "queue-scorer"},
    "decode-filter": {},
    "token-producer": {"parameters": {"vllm": {"timeout": "5s"}}},
    "latency-scorer": {"parameters": {"ttftWeight": 0.5}},
    "concurrency-detector": {"parameters": {"maxConcurrency": 1}},
    "metrics-data-source": {},
    "sessions": {"type": "inflight-load-producer"},
    "file-discovery": {"parameters": {"path": "/etc/pods.yaml", "watchFile": True}},
}
SCALING = {
    "by": "keda",
    "minReplicas": 1,
    "maxReplicas": 4,
    "triggers": {
        "engine-running": {"target": 16, "type": "AverageValue", "activation": 1},
        "slow": {"signal": "engine-waiting", "target": "2.5"},
        "own": {"query": "sum(up)", "target": 1},
    },
    "furtherTriggers": {"nightly": {"type": "cron", "metadata": {"timezone": "UTC"}}},
    "idleReplicas": 0,
    "pollingInterval": 15,
    "cooldownPeriod": 300,
    "initialCooldownPeriod": 60,
    "fallback": {"failureThreshold": 3, "replicas": 2, "behavior": "static"},
    "behavior": {
        "scaleUp": {
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}],
        },
        "scaleDown": {"stabilizationWindowSeconds": 60, "tolerance": "50m"},
    },
    "scalingModifiers": {
        "formula": "slow + own",
        "target": "1",
        "activationTarget": 0.5,
        "metricType": "AverageValue",
    },
    "restoreToOriginalReplicaCount": True,
    "name": "tiny-scaler",
    "metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}},
    "window": "1m",
}
SPEC = {
    "model": {
        "name": "acme/tiny",
        "uri": "hf://acme/tiny",
        "revision": "main",
        "size": "1Gi",
        "mountPath": "/models",
        "readOnly": True,
        "auth": {"secretName": "hf", "secretKey": "TOKEN"},
        "adapters": {
            "sql": {
                "uri": "hf://acme/sql",
                "revision": "v1",
                "rank": 16,
                "baseModel": "acme/x",
                "objective": "batch",
            },
            "forms": {"uri": "oci://ghcr.io/acme/adapters:v1::forms", "rank": 8},
            "chat": {"uri": "pvc://adapters/chat"},
        },
        "cache": {
            "claim": {
                "size": "2Gi",
                "storageClassName": "fast",
                "accessModes": ["ReadWriteMany"],
            },
            "download": {
                "image": "hf:v1",
                "exclude": ["original/*"],
                "env": {"HF_ENDPOINT": "https://hub.example"},
                "resources": {"requests": {"cpu": "1"}},
                "pod": {"tolerations": {"a": {"operator": "Exists"}}, "annotations": {"a": "b"}},
            },
        },
    },
    **WORKLOAD,
    "roles": {
        "decode": {"replicas": 2, "parallelism": {"tensor": 2, "data": 2, "expert": True}},
        "prefill": {
            "type": "prefill",
            "extends": ["more"],
            "strategy": {"type": "Recreate"},
            "autoscaling": SCALING,
        },
        "wide": {
            "type": "decode",
            "parallelism": {
                "tensor": 1,
                "data": 4,
                "dataLocal": 1,
                "loadBalancing": "internal",
                "rpcPort": 5000,
            },
            "strategy": {"maxUnavailable": "1", "partition": 1},
            "worker": {
                "size": 4,
                "restartPolicy": "RecreateGroupAfterStart",
                "startupPolicy": "LeaderCreated",
                "subdomainPolicy": "Shared",
                "exclusiveTopology": "rack",
                "subGroup": {"size": 2, "type": "LeaderWorker"},
                "subGroupExclusiveTopology": "kubernetes.io/hostname",
                "volumeClaimTemplates": {"cache": {"accessModes": ["ReadWriteOnce"]}},
                "command": ["serve"],
                "args": {"max-model-len": 8192},
                "env": {"A": 2},
                "resources": {"requests": {"cpu": "2"}},
                "probes": {"liveness": {"exec": {"command": ["true"]}}},
                "pod": {"nodeSelector": {"pool": "workers"}},
                "container": {"imagePullPolicy": "Never"},
            },
        },
        "spare": {
            "type": "decode",
            "podDisruptionBudget": {"minAvailable": "1"},
            "dualPods": {
                "image": "requester:v1",
                "adminPort": 8081,
                "limits": {"cpu": "1"},
                "container": {"imagePullPolicy": "Always"},
                "annotationDomain": "dual-pods.llm-d.ai",
                "annotations": {"a": "b"},
            },
        },
    },
    "routing": {
        "port": 8000,
        "gateway": {
            "name": "gateway",
            "namespace": "infra",
            "sectionName": "http",
            "provider": "istio",
        },
        "route": {
            "hostnames": ["a.example"],
            "path": "/v1",
            "pathRewrite": "/",
            "matchModel": "model-name",
            "headers": {"x-model": "tiny"},
            "timeout": "60s",
            "rules": {
                "gold": {
                    "headers": {"x-tier": "gold"},
                    "path": "/v1/chat",
                    "pathRewrite": "/chat",
                    "split": {"tiny": 1},
                    "objective": "batch",
                    "requestHeaders": {"x-source": "gateway"},
                    "timeout": "30s",
                }
            },
            "namespace": "infra",
            "metadata": {"labels": {"a": "b"}},
        },
        "objectives": {"batch": {"priority": -10, "name": "overnight"}},
        "split": {"tiny": 1},
        "service": {
            "monitor": {
                "interval": "15s",
                "scrapeTimeout": "10s",
                "path": "/m",
                "labels": {"release": "prometheus"},
                "annotations": {"a": "b"},
                "relabelings": [{"targetLabel": "x"}],
                "metricRelabelings": [{"action": "drop"}],
                "fields": {"podTargetLabels": ["a"]},
            }
        },
        "rewrites": {"tables": {"sql": 90, "chat": 10}},
        "pool": {"failureMode": "FailClose", "appProtocol": "http"},
        "scheduler": {
            "image": "epp:v1",
            "replicas": 2,
            "resources": {"requests": {"cpu": "1"}},
            "flags": {"v": 2},
            "env": {"A": "b"},
            "config": {
                "name": "own",
                "plugins": PLUGINS,
                "schedulingProfiles": {
                    "default": {"plugins": {"decode-filter": {}, "scorer": {"weight": 2}}}
                },
                "featureGates": {"flowControl": True},
                "dataLayer": {
                    "injectDefaults": False,
                    "sources": {"metrics-data-source": {"extractors": {"sessions": {}}}},
                    "discovery": {"pluginRef": "file-discovery"},
                    "peerDiscovery": {"pluginRef": "sessions"},
                    "crossReplicaSyncerPluginRef": "sessions",
                    "crossReplicaSyncInterval": "1s",
                },
                "flowControl": {
                    "maxBytes": "1Gi",
                    "maxRequests": "100",
                    "defaultRequestTTL": "60s",
                    "noEndpointRequestTTL": "10m",
                    "defaultPriorityBand": {"maxBytes": "1Mi"},
                    "defaultNegativePriorityBand": {"maxRequests": "10"},
                    "priorityBands": {
                        "0": {
                            "fairnessPolicyRef": "global-strict-fairness-policy",
                            "orderingPolicyRef": "fcfs-ordering-policy",
                        }
                    },
                    "usageLimitPolicyPluginRef": "static-usage-limit-policy",
                    "saturationDetector": {"pluginRef": "concurrency-detector"},
                    "enableEviction": True,
                },
                "requestHandler": {"parsers": {"openai-parser": {}}},
            },
            "tokenizer": {
                "separate": True,
                "replicas": 2,
                "port": 8080,
                "image": "vllm-cpu:v1",
                "flags": {"trust-remote-code": True},
                "env": {"A": "b"},
                "resources": {"requests": {"cpu": "1"}},
                "metadata": {"labels": {"a": "b"}},
                "pod": {"nodeSelector": {"a": "b"}},
                "container": {"imagePullPolicy": "Always"},
            },
            "latencyPredictor": {
                "predictionServers": 2,
                "training": {"image": "train:v1", "env": {"A": "b"}, "resources": {"limits": {}}},
                "prediction": {"container": {"imagePullPolicy": "Always"}},
            },
            "podMonitor": {"path": "/m"},
            "pod": {"tolerations": {"a": {"operator": "Exists"}}},
        },
        "sidecar": {
            "image": "side:v1",
            "modelServerPort": 8200,
            "flags": {"a": 1},
            "env": {"A": "b"},
        },
    },
    "alerts": {
        "interval": "30s",
        "labels": {"release": "prometheus"},
        "rules": {
            "slow": {
                "signal": "ttft-p90",
                "above": "2",
                "duration": "10m",
                "window": "5m",
                "severity": "critical",
                "summary": "slow",
                "runbookUrl": "https://runbooks.example/slow",
                "labels": {"page": "yes"},
            },
            "idle": {"expr": "sum(up)", "below": 1},
        },
    },
    "dashboard": {
        "labels": {"grafana_dashboard": "1"},
        "annotations": {"grafana_folder": "LLM"},
        "panels": {
            "power": {"title": "Power", "expr": "sum(up)", "unit": "watt", "legend": "{{pod}}"}
        },
    },
    "prometheus": {
        "serverAddress": "https://prometheus:9090",
        "unsafeSsl": True,
        "authModes": "bearer",
        "authentication": {"name": "prometheus", "kind": "ClusterTriggerAuthentication"},
    },
    "tracing": {
        "endpoint": "http://otel:4317",
        "sampler": "always_on",
        "samplerArgument": "1",
        "detail": "all",
        "serviceNames": {"decode": "a"},
    },
    "networkPolicy": {
        "gateway": {"proxies": {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}},
        "clients": {"chat": {"namespace": "chat", "podSelector": {"matchLabels": {"a": "b"}}}},
        "monitoring": {"prometheus": {"namespaceSelector": {"matchLabels": {"a": "b"}}}},
        "egress": {
            "proxy": {
                "to": [{"podSelector": {}}],
                "ports": [{"port": 3128, "endPort": 3130, "protocol": "UDP"}, {"port": "http"}],
            }
        },
    },
    "externalSecrets": {
        "api": {
            "store": "vault",
            "storeKind": "SecretStore",
            "refreshInterval": "30m",
            "type": "Opaque",
            "data": {"key": {"key": "a", "property": "b", "version": "1"}},
            "extract": "all",
        }
    },
    "extraObjects": {
        "config": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c"},
            "data": {"a": "b"},
        }
    },
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "modelmill.yaml": {
        "apiVersion": API,
        "kind": "Project",
        "metadata": {"name": "p"},
        "versions": {
            "set": "llm-d-v0.9",
            "images": {"endpointPicker": "e:v1"},
            "registries": {"quay.io": "mirror.example.com/quay"},
        },
        "paths": {"models": "models", "presets": "presets"},
        "validation": {"kubernetes": "1.37", "schemas": ["crds"], "strictKinds": False},
        "policies": {
            "profile": "strict",
            "images": {
                "digest": "warn",
                "registries": ["ghcr.io", "docker.io", "mirror.example.com"],
            },
            "resources": {
                **dict.fromkeys(["requests", "memoryLimits", "cpuLimits"], "off"),
                "accelerators": "error",
            },
            "probes": dict.fromkeys(["startup", "readiness", "liveness"], "off"),
            "pods": {
                **dict.fromkeys(["serviceAccountToken", "rootFilesystem"], "off"),
                **dict.fromkeys(["hostNamespaces", "disruptionBudgets", "spread"], "off"),
            },
            "podSecurity": "privileged",
            "rules": {
                "few": {
                    "message": "there are too many",
                    "expression": "!has(object.spec.replicas) || object.spec.replicas < 100",
                    "kinds": ["Deployment"],
                    "environments": ["prod"],
                    "severity": "warn",
                    "path": "roles.decode.replicas",
                }
            },
            "exemptions": {"tiny": {"images.digest": {"reason": "why", "until": "2099-01-01"}}},
            "secrets": {
                "none": {
                    "file": "models/tiny.yaml",
                    "path": "metadata.name",
                    "reason": "why",
                    "until": "2099-01-01",
                }
            },
        },
    },
    "models/tiny.yaml": {
        "apiVersion": API,
        "kind": "Model",
        "metadata": {"name": "tiny", "labels": {"team": "a"}, "annotations": {"b": "c"}},
        "extends": ["more"],
        "accept": {"C504": {"reason": "moves", "until": "2099-01-01"}, "C529": "tried"},
        "spec": SPEC,
        "environments": {
            "prod": {
                "roles": {
                    "decode": {"replicas": 3},
                    "spare": {"podDisruptionBudget": {"minAvailable": "1"}},
                }
            }
        },
    },
    "models/stored.yaml": {
        "apiVersion": API,
        "kind": "Model",
        "metadata": {"name": "stored", "labels": {"team": "a"}},
        "extends": ["base"],
        "spec": {
            "model": {
                "name": "acme/stored",
                "uri": "s3://models/stored",
                "loading": "downloaded",
                "endpoint": "https://minio:9000",
                "size": "1Gi",
                "auth": {"secretName": "minio"},
            },
            "pod": {"serviceAccountName": None},
            "kvCacheOffloading": {
                "connector": "mooncake",
                "cpu": "1Gi",
                "mooncake": {
                    "masterServerAddress": "m:1",
                    "metadataServer": "P2PHANDSHAKE",
                    "protocol": "tcp",
                    "deviceName": "mlx5_0",
                    "localBufferSize": "1Gi",
                },
            },
            "kvTransfer": None,
            "roles": {"decode": {}},
            "autoscaling": {"by": "wva", "maxReplicas": 2, "actuator": "keda", "variantCost": 30},
            "prometheus": {"serverAddress": "http://prometheus:9090"},
            "serviceAccount": {"labels": {"a": "b"}, "annotations": {"example.com/role": "r"}},
            "routing": {
                "tls": {
                    "issuer": {"name": "ca", "kind": "Issuer", "group": "cert-manager.io"},
                    "duration": "720h",
                    "renewBefore": "240h",
                    "caConfigMap": "ca",
                }
            },
        },
        "environments": {
            "prod": {
                "pod": {"serviceAccountName": None, "resourceClaims": {"rdma": {"name": None}}},
                "kvTransfer": None,
            }
        },
    },
    "models/served.yaml": {
        "apiVersion": API,
        "kind": "Model",
        "metadata": {"name": "served", "labels": {"team": "b"}},
        "extends": ["plain"],
        "spec": {
            "model": {"name": "acme/served", "uri": "hf://acme/served", "revision": "v1"},
            "roles": {
                "decode": {"parallelism": {"data": 4, "dataLocal": 2}, "worker": {}},
                "prefill": {"autoscaling": {"by": "wva", "maxReplicas": 2}},
            },
            "routing": {"gateway": {"name": "gateway"}, "route": {"path": "/served"}},
            "kserve": {
                "labels": {"kueue.x-k8s.io/queue-name": "q"},
                "annotations": {"serving.kserve.io/stop": "false"},
                "fields": {"router": {"route": {"group": "g", "weight": 1}}},
            },
        },
    },
    "presets/plain.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "plain"},
        "spec": {
            "engine": {"type": "vllm", "image": "v:v1", "args": {"max-model-len": 8}},
            "accelerator": {"name": "gpu", "resource": "nvidia.com/gpu"},
            "kvTransfer": {"connector": "nixl"},
            "pod": {"volumes": {"a": {"emptyDir": {}}}},
        },
    },
    "overlays/served/environment.yaml": {
        "apiVersion": API,
        "kind": "Overlay",
        "metadata": {"name": "served"},
        "namespace": "llm-served",
        "target": "kserve",
        "kserve": {"mode": "thin", "presetPrefix": "kserve-", "systemNamespace": "kserve"},
        "selector": {"matchLabels": {"team": "b"}},
        "extends": ["plain"],
        "delivery": {
            "git": {"url": "https://example.com/models.git", "branch": "main", "path": "a/b"},
            "argoCD": None,
            "flux": {
                "namespace": "flux-system",
                "source": "OCIRepository",
                "url": "oci://ghcr.io/acme/models",
                "artifactTag": "served",
                "provider": "generic",
                "secretName": "registry",
                "verify": {"provider": "cosign", "secretRef": {"name": "keys"}},
                "fetchInterval": "1m",
                "interval": "1h",
                "retryInterval": "2m",
                "timeout": "2h",
                "wait": True,
                "prune": True,
                "deletionPolicy": "Orphan",
                "confirm": True,
                "dependsOn": ["platform/lws", "gateway-api"],
                "serviceAccountName": "models",
                "kubeConfig": "gpu",
                "decryption": {"provider": "sops", "secretRef": {"name": "age"}},
                "metadata": {"labels": {"tenant": "a"}, "annotations": {"b": "c"}},
            },
        },
    },
    "presets/more.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "more"},
        "extends": ["base"],
        "spec": {"pod": {"labels": {"more": "b"}}, "sharedMemory": "1Gi"},
    },
    "presets/base.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "base"},
        "spec": WORKLOAD,
    },
    "presets/scraped-by-service.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "scraped-by-service"},
        "spec": {"routing": {"scheduler": {"podMonitor": None, "serviceMonitor": {}}}},
    },
    "presets/synced.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "synced"},
        "spec": {
            "model": {
                "adapters": {"chat": {"uri": "s3://adapters/chat", "pinned": True}},
                "adapterSync": {
                    "by": "sidecar",
                    "image": "lora-syncer:v1.4.0",
                    "reconcileTrigger": 10,
                    "healthCheckTimeout": 600,
                    "env": {"A": "b"},
                    "resources": {"requests": {"cpu": "100m"}},
                },
            }
        },
    },
    "presets/cached.yaml": {
        "apiVersion": API,
        "kind": "Preset",
        "metadata": {"name": "cached"},
        "spec": {"model": {"cache": {"node": {"path": "/models"}}}},
    },
    "overlays/prod/environment.yaml": {
        "apiVersion": API,
        "kind": "Overlay",
        "metadata": {"name": "prod", "labels": {"region": "eu"}},
        "cluster": "c1",
        "policies": {"images": {"digest": "off"}, "rules": {"few": {"severity": "error"}}},
        "delivery": {
            "git": {"url": "https://example.com/models.git", "branch": "env/{environment}"},
            "publish": {
                "repository": "https://example.com/rendered.git",
                "next": True,
                "sign": False,
                "attempts": 3,
            },
            "argoCD": {
                "namespace": "argocd",
                "applications": "Application",
                "project": None,
                "destination": {"server": "https://10.0.0.1"},
                "automated": True,
                "prune": True,
                "selfHeal": True,
                "cascade": True,
                "confirm": True,
                "retry": {
                    "limit": 3,
                    "backoff": {"duration": "1m", "factor": 3, "maxDuration": "1h"},
                },
                "syncOptions": {"Validate": False, "PrunePropagationPolicy": "background"},
                "ignoreDifferences": {"a": {"kind": "Service", "jsonPointers": ["/spec/b"]}},
                "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
                "projectSpec": {"destinations": [{"name": "*", "namespace": "*"}]},
            },
        },
        "namespace": "llm-prod",
        "createNamespace": True,
        "podSecurity": "baseline",
        "podSecurityExemptions": {
            "tiny": {"level": "privileged", "reason": "RDMA", "until": "2099-01-01"}
        },
        "externalSecrets": {"hf": {"store": "vault", "data": {"TOKEN": {"key": "hub"}}}},
        "registries": {"ghcr.io": "mirror.example.com/ghcr"},
        "target": "llm-d",
        "selector": {
            "matchLabels": {"team": "a"},
            "matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}],
        },
        "gateways": {
            "gateway": {
                "className": "istio",
                "provider": "istio",
                "namespace": "infra",
                "listeners": {
                    "http": {"hostname": "*.example", "allowedRoutes": "Same"},
                    "https": {"port": 8443, "hostname": "b.example", "issuer": {"name": "acme"}},
                    "more": {"port": 9443, "secretName": "more-tls"},
                },
                "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}],
                "infrastructure": {
                    "labels": {"a": "b"},
                    "annotations": {"c": "d"},
                    "parametersRef": {"group": "", "kind": "ConfigMap", "name": "gateway"},
                },
                "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
            },
            "other": {"className": "e", "provider": "envoy-gateway", "listeners": {"http": {}}},
        },
        "extends": ["more"],
        "spec": {"engine": {"env": {"REGION": "${environment.labels.region}"}}},
        "patches": {
            "p": {
                "target": {"kind": "Service", "name": "tiny", "model": "tiny"},
                "operations": [{"op": "replace", "path": "/spec/type", "value": "NodePort"}],
            }
        },
    },
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1 << 53,
    "",
    "x",
    "a/b",
    "../x",
    "é",
    "a" * 300,
    "9" * 400,
    "${nothing}",
    "${model}",
    "${model.name}",
    "$${x}",
    "${",
    [],
    ["x"],
    [None],
    [[1], {"a": 1}],
    {},
    {"x": 1},
    {"": ""},
    {"a": {"b": ["c"]}},
    {"name": 1, "kind": [], "type": {}},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


PLACES = [(file, path) for file, document in DOCUMENTS.items() for path in places(document)]


def changed(file: str, path: tuple[Any, ...], value: Any) -> dict[str, str]:
    """The repository's texts with one value in one place."""
    documents = {**DOCUMENTS, file: copy.deepcopy(DOCUMENTS[file])}
    holder: Any = documents[file]
    for segment in path[:-1]:
        holder = holder[segment]
    holder[path[-1]] = value
    return {name: yamltext.dump(document) for name, document in documents.items()}


def assert_no_bug(texts: dict[str, str]) -> None:
    """Commands end with 0 or 1; a failure says why, and nothing of Python or of the disk."""
    with TemporaryDirectory() as folder:
        root = write_files(Path(folder), texts)
        for command in (["lint"], ["compile", "-j", "1"], ["render", "tiny", "-e", "prod"]):
            ran = run(root, *command)
            assert ran.status in ((0, 1, 2) if command[0] == "render" else (0, 1)), ran.stderr
            assert ran.status == 0 or ran.stderr, command
            said = ran.stdout + ran.stderr
            assert folder not in said
            assert not PYTHON.search(said), said
            if ran.status:
                assert command[0] == "render" or not (root / "generated/tiny").exists()


def test_the_repository_these_tests_bend_is_sound(tmp_path: Path) -> None:
    texts = {name: yamltext.dump(document) for name, document in DOCUMENTS.items()}
    compiled(write_files(tmp_path, texts))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(ODD))
def test_any_value_in_any_place(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    assert_no_bug(changed(*place, value))


@pytest.mark.parametrize(
    "version", ["9" * 5000, "v" + "9" * 5000, "0." * 2500 + "0", "newest", "v"]
)
@pytest.mark.parametrize("quoted", [True, False])
def test_a_version_that_is_none(version: str, quoted: bool) -> None:
    """A catalogue of flags is chosen by it, so it is read as numbers: not these."""
    texts = {name: yamltext.dump(document) for name, document in DOCUMENTS.items()}
    said = f'"{version}"' if quoted else version
    texts["models/tiny.yaml"] = texts["models/tiny.yaml"].replace(
        "version: v0.26.0", f"version: {said}"
    )
    assert_no_bug(texts)
    with TemporaryDirectory() as folder:
        ran = run(write_files(Path(folder), texts), "lint")
    assert ran.status == 1
    assert "models/tiny.yaml:" in ran.stderr
    assert max(map(len, ran.stderr.splitlines())) < 1000


@pytest.mark.parametrize(
    "operation",
    [
        {"op": op, "path": path, "value": value}
        for op in ("add", "replace", "remove")
        for path in (
            "",
            "/metadata",
            "/metadata/name",
            "/metadata/namespace",
            "/metadata/labels",
            "/metadata/annotations",
            "/spec",
        )
        for value in (5, "x", ["x"], {"x": 5}, None)
    ],
    ids=lambda o: f"{o['op']}-{o['path'] or 'all'}-{o['value']}",
)
def test_any_patch_of_what_an_object_is_known_by(operation: dict[str, Any]) -> None:
    texts = changed("overlays/prod/environment.yaml", ("patches", "p", "operations"), [operation])
    assert_no_bug(texts)
