"""Deployments and LeaderWorkerSets of a service.

In: a service. Out: its workloads (pkg/controller/v1alpha2/llmisvc/workload_single_node.go,
workload_multi_node.go, tracing.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.children import dra
from modelmill.importers.llmisvc.children.frame import (
    GROUP_ANNOTATIONS,
    MAIN,
    MODEL_ROUTING,
    ROLE,
    SERVED,
    SIDECAR,
    Manifest,
    Service,
    handed_down,
    has_sidecar,
    labels,
    manifest,
)
from modelmill.importers.llmisvc.children.storage import attached, with_tiers

LWS = "leaderworkerset.x-k8s.io/v1"


def workloads(service: Service) -> Iterator[Manifest]:
    prefill = service.spec.get("prefill")
    yield _workload(service, service.spec, "")
    if prefill is not None:
        yield _workload(service, prefill, "-prefill")


def _workload(service: Service, workload: Mapping[str, Any], part: str) -> Manifest:
    if workload.get("worker") is None:
        return _deployment(service, workload, part)
    return _group(service, workload, part)


def workload_name(service: Service, workload: Mapping[str, Any], part: str) -> tuple[str, str, str]:
    """apiVersion, kind and name."""
    if workload.get("worker") is None:
        return "apps/v1", "Deployment", service.child(f"-kserve{part}")
    return LWS, "LeaderWorkerSet", service.child(f"-kserve-mn{part}")


def _role(service: Service, part: str) -> str:
    if part:
        return "prefill"
    return "both" if service.spec.get("prefill") is None else "decode"


def _deployment(service: Service, workload: Mapping[str, Any], part: str) -> Manifest:
    own = labels(service, f"workload{part}", **{SERVED: "workload", ROLE: _role(service, part)})
    given_labels, noted = handed_down(service)
    pod = dict(workload.get("template") or {})
    if not part and has_sidecar(pod):
        pod.setdefault("serviceAccountName", service.child("-kserve"))
    template = {
        "metadata": _pod_metadata(own, workload, given_labels, noted),
        "spec": _pod(service, pod, workload, part),
    }
    spec: Manifest = {
        "selector": {"matchLabels": {**own, **given_labels}},
        "template": template,
    }
    if workload.get("replicas") is not None:
        spec = {"replicas": workload["replicas"], **spec}
    rollout = workload.get("rolloutStrategy")
    if rollout is not None:
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": dict(rollout)}
    api, kind, name = workload_name(service, workload, part)
    return manifest(service, api, kind, name, {**own, **given_labels}, noted, spec=spec)


def _pod_metadata(
    own: Mapping[str, str],
    workload: Mapping[str, Any],
    given: Mapping[str, str],
    noted: Mapping[str, str],
) -> Manifest:
    """What a workload says of its pods wins over what is computed."""
    said = {k: v for k, v in (workload.get("annotations") or {}).items() if k != MODEL_ROUTING}
    found: Manifest = {
        "labels": dict(sorted({**own, **given, **(workload.get("labels") or {})}.items()))
    }
    annotations = {**noted, **said}
    return {**found, **({"annotations": dict(sorted(annotations.items()))} if annotations else {})}


def _pod(service: Service, pod: Manifest, workload: Mapping[str, Any], part: str) -> Manifest:
    pod = dra.claimed(service, pod)
    if not part and has_sidecar(pod) and service.router:
        pod = _told_of_pool(service, pod)
    pod = with_tiers(attached(service, pod), workload.get("kvCacheOffloading"))
    return traced(service, pod, part)


def _told_of_pool(service: Service, pod: Manifest) -> Manifest:
    entry = {"name": "INFERENCE_POOL_NAME", "value": service.pool}
    inits = [
        {**each, "env": [*(each.get("env") or []), entry]} if each.get("name") == SIDECAR else each
        for each in pod["initContainers"]
    ]
    return {**pod, "initContainers": inits}


def size_of(sizes: Mapping[str, Any]) -> int | None:
    """Pods of a group. Ranks that do not divide are lost, as KServe loses them."""
    data, local = sizes.get("data"), sizes.get("dataLocal")
    if data or local:
        return max(1, (data or 1) // (local or 1))
    pipeline = sizes.get("pipeline")
    return int(pipeline) if pipeline else None


def _group(service: Service, workload: Mapping[str, Any], part: str) -> Manifest:
    sizes = workload.get("parallelism") or {}
    role = _role(service, part)
    leader = labels(service, f"workload-leader{part}", **{SERVED: "workload", ROLE: role})
    worker = labels(service, f"workload-worker{part}")
    if workload.get("template") is None:
        worker |= {SERVED: "workload", ROLE: "prefill" if part else "decode"}
    given_labels, noted = handed_down(service, GROUP_ANNOTATIONS)
    account = service.child(f"-kserve-mn{part}")
    size = size_of(sizes)
    template: Manifest = {
        "restartPolicy": "RecreateGroupOnPodRestart",
        "workerTemplate": {
            "metadata": _pod_metadata(worker, workload, given_labels, noted),
            "spec": _member(service, workload, workload["worker"], account, part),
        },
    }
    if size is not None:
        template["size"] = size
    if workload.get("template") is not None:
        template["leaderTemplate"] = {
            "metadata": _pod_metadata(leader, workload, given_labels, noted),
            "spec": _member(service, workload, workload["template"], account, part),
        }
    if part and (sizes.get("data") or sizes.get("dataLocal")) and size is not None:
        template["subGroupPolicy"] = {"subGroupSize": size}
    spec: Manifest = {
        "leaderWorkerTemplate": template,
        "rolloutStrategy": _rollout(workload.get("rolloutStrategy")),
        "startupPolicy": "LeaderCreated",
    }
    if workload.get("replicas") is not None:
        spec["replicas"] = workload["replicas"]
    api, kind, name = workload_name(service, workload, part)
    return manifest(service, api, kind, name, {**worker, **given_labels}, noted, spec=spec)


def _rollout(given: Mapping[str, Any] | None) -> Manifest:
    if given is None:
        return {"type": "RollingUpdate"}
    limits = {"maxUnavailable": 1, "maxSurge": 0, **given}
    return {"type": "RollingUpdate", "rollingUpdateConfiguration": limits}


def _member(
    service: Service,
    workload: Mapping[str, Any],
    pod: Mapping[str, Any],
    account: str,
    part: str,
) -> Manifest:
    own = (workload.get("template") or {}).get("serviceAccountName") or workload["worker"].get(
        "serviceAccountName"
    )
    return _pod(service, {**pod, "serviceAccountName": own or account}, workload, part)


def traced(service: Service, pod: Manifest, part: str) -> Manifest:
    """The server's own flags and variables of OpenTelemetry; a user's win."""
    tracing = service.spec.get("tracing")
    if tracing is None:
        return pod
    role = "prefill" if part else "decode"
    containers = [
        _traced(service, each, tracing, f"inference-server-{role}")
        if each.get("name") == MAIN
        else each
        for each in pod.get("containers") or []
    ]
    return {**pod, "containers": containers}


def _traced(
    service: Service, main: Mapping[str, Any], tracing: Mapping[str, Any], name: str
) -> Manifest:
    endpoint = tracing.get("exporterEndpoint", "")
    words = [str(each) for each in main.get("args") or []]
    flags = {"--otlp-traces-endpoint": endpoint, "--collect-detailed-traces": "all"}
    for flag, value in flags.items():
        if not any(word.split("=")[0] == flag for word in words):
            words += [flag, value]
    return {**main, "args": words, "env": traced_env(service, main, tracing, name)}


def traced_env(
    service: Service, main: Mapping[str, Any], tracing: Mapping[str, Any], name: str
) -> list[Manifest]:
    own = list(main.get("env") or [])
    known = {each["name"] for each in own}
    attributes = (
        f"k8s.namespace.name={service.namespace},llmisvc.name={service.name},"
        "k8s.node.name=$(NODE_NAME),k8s.pod.name=$(POD_NAME)"
    )
    made: list[Manifest] = [
        {"name": "OTEL_SERVICE_NAME", "value": name},
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": tracing.get("exporterEndpoint", "")},
        {"name": "OTEL_TRACES_EXPORTER", "value": tracing.get("exporter", "otlp")},
        {"name": "OTEL_TRACES_SAMPLER", "value": tracing.get("sampler", "")},
        {"name": "OTEL_TRACES_SAMPLER_ARG", "value": tracing.get("samplerArg", "")},
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": attributes},
    ]
    return [*own, *(e for e in made if e["name"] not in known and e.get("value") != "")]
