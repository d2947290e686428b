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
# None is a restart policy as well.
PYTHON = re.compile(r"<modelmill|NoneType|(?<!AfterStart, )\bNone\b|dict_keys|object at 0x")
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
            "sql": {"uri": "hf://acme/sql", "revision": "v1", "rank": 16, "baseModel": "acme/x"},
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
        "prefill": {"type": "prefill", "extends": ["more"], "strategy": {"type": "Recreate"}},
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
        "gateway": {"name": "gateway", "namespace": "infra", "sectionName": "http"},
        "route": {
            "hostnames": ["a.example"],
            "path": "/v1",
            "pathRewrite": "/",
            "matchModel": "model-name",
            "headers": {"x-model": "tiny"},
            "timeout": "60s",
            "metadata": {"labels": {"a": "b"}},
        },
        "split": {"tiny": 1},
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
                "plugins": {"scorer": {"type": "queue-scorer", "parameters": {"a": 1}}},
                "schedulingProfiles": {"default": {"plugins": {"scorer": {"weight": 2}}}},
                "featureGates": {"x": True},
                "dataLayer": {"sources": []},
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
    "tracing": {
        "endpoint": "http://otel:4317",
        "sampler": "always_on",
        "samplerArgument": "1",
        "detail": "all",
        "serviceNames": {"decode": "a"},
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
    },
    "models/tiny.yaml": {
        "apiVersion": API,
        "kind": "Model",
        "metadata": {"name": "tiny", "labels": {"team": "a"}, "annotations": {"b": "c"}},
        "extends": ["more"],
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
        "namespace": "llm-prod",
        "createNamespace": True,
        "podSecurity": "baseline",
        "registries": {"ghcr.io": "mirror.example.com/ghcr"},
        "target": "llm-d",
        "selector": {
            "matchLabels": {"team": "a"},
            "matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}],
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


@settings(max_examples=150, deadline=None)
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
