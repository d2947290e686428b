"""The endpoint picker of a service, its pool, and the tokenizer beside it.

In: a service. Out: Deployment, Service, account and rules of the picker, the InferencePool, the
tokenizer's Deployment and Service (pkg/controller/v1alpha2/llmisvc/scheduler.go,
scheduler_tokenizer.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill import yamltext
from modelmill.importers.llmisvc.children.accounts import POOLS, RBAC, READ, binding, rule
from modelmill.importers.llmisvc.children.frame import (
    MAIN,
    Manifest,
    Service,
    container,
    labels,
    manifest,
)
from modelmill.importers.llmisvc.children.picker_config import picker_config
from modelmill.importers.llmisvc.children.storage import attached
from modelmill.importers.llmisvc.children.workloads import traced_env
from modelmill.importers.llmisvc.presets import wants_tokenizer

_PORTS = ("grpc", "grpc-health", "metrics", "zmq")
_TOKENIZER_FILES = (
    '["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", '
    '"merges.txt", "config.json", "generation_config.json"]'
)


def picker(service: Service) -> Iterator[Manifest]:
    if not service.has_picker:
        return
    assert service.scheduler is not None
    own = labels(service, "router-scheduler")
    template = service.scheduler["template"]
    account = template.get("serviceAccountName", service.child("-epp-sa"))
    if account == service.child("-epp-sa"):
        yield manifest(service, "v1", "ServiceAccount", account, own)
    role = service.child("-epp-role")
    yield manifest(service, RBAC, "Role", role, own, rules=_rules())
    yield binding(service, service.child("-epp-rb"), role, account, own)
    yield _delegator(service, account, own)
    yield _deployment(service, own)
    yield _service(service, own)
    pool = service.scheduler.get("pool") or {}
    if pool.get("spec") is not None:
        api = "inference.networking.k8s.io/v1"
        yield manifest(service, api, "InferencePool", service.pool, own, spec=pool["spec"])


def _rules() -> list[Manifest]:
    return [
        rule([""], ["pods"], READ),
        rule(POOLS, ["inferencepools", "inferenceobjectives", "inferencemodels"], READ),
        rule(POOLS[1:], ["inferencemodelrewrites", "inferencepoolimports"], READ),
        rule(["llm-d.ai"], ["inferenceobjectives", "inferencemodelrewrites"], READ),
        rule(["discovery.k8s.io"], ["endpointslices"], READ),
        rule(
            ["coordination.k8s.io"],
            ["leases"],
            ["get", "list", "watch", "create", "update", "patch", "delete"],
        ),
    ]


def _delegator(service: Service, account: str, own: dict[str, str]) -> Manifest:
    """The picker asks the API server who may read its metrics."""
    found = manifest(
        service,
        RBAC,
        "ClusterRoleBinding",
        f"{service.namespace}-{service.child('-epp-auth-rb')}",
        own,
        roleRef={
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:auth-delegator",
        },
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": service.namespace}],
    )
    del found["metadata"]["namespace"]
    return found


def _deployment(service: Service, own: dict[str, str]) -> Manifest:
    scheduler = service.scheduler
    assert scheduler is not None
    pod = dict(scheduler["template"])
    pod["containers"] = [
        _main(service, each) if each.get("name") == MAIN else each
        for each in pod.get("containers") or []
    ]
    metadata: Manifest = {"labels": {**own, **(scheduler.get("labels") or {})}}
    if scheduler.get("annotations"):
        metadata["annotations"] = dict(scheduler["annotations"])
    spec: Manifest = {
        "selector": {"matchLabels": own},
        "strategy": {"type": "Recreate"},
        "template": {"metadata": metadata, "spec": pod},
    }
    if scheduler.get("replicas") is not None:
        spec["replicas"] = scheduler["replicas"]
    name = service.child("-kserve-router-scheduler")
    return manifest(service, "apps/v1", "Deployment", name, own, spec=spec)


def _main(service: Service, main: Manifest) -> Manifest:
    scheduler = service.scheduler or {}
    words = list(main.get("args") or [])
    if (scheduler.get("replicas") or 1) > 1:
        words.append("--ha-enable-leader-election")
    said = any(str(each).startswith(("--config-text", "--config-file"))
               for each in [*(main.get("command") or []), *words])  # fmt: skip
    written = (scheduler.get("config") or {}).get("inline") is not None
    config = picker_config(service)
    if config is not None and (written or not said):
        words += ["--config-text", yamltext.dump(config)]
    found = {**main, "args": words}
    tracing = service.spec.get("tracing")
    if tracing is not None:
        found["args"] = [*words, "--tracing=true"]
        found["env"] = traced_env(service, main, tracing, "inference-scheduler")
    return found


def _service(service: Service, own: dict[str, str]) -> Manifest:
    assert service.scheduler is not None
    ref = ((service.scheduler.get("pool") or {}).get("spec") or {}).get("endpointPickerRef") or {}
    known = {
        port["name"]: port
        for each in service.scheduler["template"].get("containers") or []
        for port in each.get("ports") or []
        if port.get("name") in _PORTS
    }
    ports = [
        {
            "name": name,
            "port": port["containerPort"],
            "targetPort": name,
            **({"protocol": port["protocol"]} if port.get("protocol") else {}),
        }
        for name, port in sorted(known.items())
    ]
    name = ref.get("name") or service.child("-epp-service")
    return manifest(service, "v1", "Service", name, own, spec={"selector": own, "ports": ports})


def tokenizer(service: Service) -> Iterator[Manifest]:
    scheduler = service.scheduler
    if scheduler is None or not service.has_picker or not wants_tokenizer(scheduler):
        return
    pod: dict[str, Any] = dict((scheduler.get("tokenizer") or {}).get("template") or {})
    if not pod.get("containers"):
        return
    own = labels(service, "tokenizer")
    target = MAIN if container(pod, MAIN) else pod["containers"][0]["name"]
    files = {"STORAGE_ALLOW_PATTERNS": _TOKENIZER_FILES}
    path = "/mnt/models/base"
    pod = attached(service, pod, target=target, path=path, env=files, adapters=False)
    name = service.child("-tokenizer")
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": own},
        "template": {"metadata": {"labels": own}, "spec": pod},
    }
    yield manifest(service, "apps/v1", "Deployment", name, own, spec=spec)
    port = {"name": "render-http", "port": 8000, "targetPort": "render-http", "protocol": "TCP"}
    yield manifest(service, "v1", "Service", name, own, spec={"selector": own, "ports": [port]})
