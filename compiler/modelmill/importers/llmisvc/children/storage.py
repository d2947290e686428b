"""Where a pod has its model, its adapters and its KV cache from.

In: a service and a pod. Out: the pod with volumes, mounts, init containers and the flags of
adapters (pkg/controller/v1alpha2/llmisvc/workload_storage.go, workload_lora.go,
workload_kvcache.go, pkg/utils/storage.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.importers.llmisvc.children.frame import MAIN, Manifest, Service, container
from modelmill.names import kserve_name as child_name
from modelmill.regexes import regex

MODEL_PATH = "/mnt/models"
LORA_PATH = "/mnt/lora"
DOWNLOADED = "kserve-provision-location"
CLAIM = "kserve-pvc-source"
INITIALIZER = "storage-initializer"
_HUB = {
    "HF_HUB_ENABLE_HF_TRANSFER": "1",
    "HF_XET_HIGH_PERFORMANCE": "1",
    "HF_XET_NUM_CONCURRENT_RANGE_GETS": "8",
}
_DEFAULTS = {"memoryRequest": "100Mi", "memoryLimit": "1Gi", "cpuRequest": "100m", "cpuLimit": "1"}
_LORA_FLAG = regex(r"--lora[-_]modules")


def attached(
    service: Service,
    pod: Manifest,
    *,
    target: str = MAIN,
    path: str = MODEL_PATH,
    env: Mapping[str, str] | None = None,
    adapters: bool = True,
) -> Manifest:
    """The pod with the model at `path` in the container `target`."""
    if (service.spec.get("storageInitializer") or {}).get("enabled") is False:
        return pod
    uri = str(service.spec.get("model", {}).get("uri", ""))
    scheme, _, rest = uri.partition("://")
    loras = service.adapters if adapters else []
    downloads = [(uri, path)] if scheme in ("hf", "s3") else []
    for name, source in loras:
        if source.startswith(("hf://", "s3://")):
            downloads.append((source, f"{LORA_PATH}/{sanitized(name)}"))
    pod = _volumes(pod)
    if scheme == "pvc":
        pod = _claimed(pod, rest, CLAIM, path, target)
    elif scheme in ("oci", "oci+native"):
        pod = _image(service, pod, scheme, rest, path, target)
    if downloads:
        pod = _downloaded(service, pod, downloads, target, env or {})
    for name, source in loras:
        if source.startswith("pvc://"):
            volume = child_name("lora-pvc-", sanitized(name))
            place = f"{LORA_PATH}/{sanitized(name)}"
            pod = _claimed(pod, source.removeprefix("pvc://"), volume, place, target)
    return _with_adapters(service, pod, target) if loras else pod


def _volumes(pod: Manifest) -> Manifest:
    return {**pod, "volumes": list(pod.get("volumes") or [])}


def _claimed(pod: Manifest, source: str, volume: str, path: str, target: str) -> Manifest:
    claim, _, folder = source.partition("/")
    pod = _volumes(pod)
    pod["volumes"].append({"name": volume, "persistentVolumeClaim": {"claimName": claim}})
    mount = {"name": volume, "mountPath": path, "readOnly": True}
    return mounted(pod, target, {**mount, **({"subPath": folder} if folder else {})})


def mounted(pod: Manifest, target: str, mount: Manifest, field: str = "containers") -> Manifest:
    """The pod with one more mount in the container `target`."""
    changed = [
        {**each, "volumeMounts": [*(each.get("volumeMounts") or []), mount]}
        if each.get("name") == target
        else each
        for each in pod.get(field) or []
    ]
    return {**pod, field: changed}


def _downloaded(
    service: Service,
    pod: Manifest,
    downloads: Sequence[tuple[str, str]],
    target: str,
    env: Mapping[str, str],
) -> Manifest:
    """The init container that fetches all of them. One a user wrote keeps what is theirs."""
    several = len(downloads) > 1
    top = "/mnt" if several else downloads[0][1]
    entries = [{"name": name, "value": value} for name, value in env.items()]
    if any(uri.startswith("hf://") for uri, _ in downloads):
        entries = [*({"name": n, "value": v} for n, v in _HUB.items()), *entries]
    own = container(pod, INITIALIZER, "initContainers") or {}
    storage = {**_DEFAULTS, **{k: v for k, v in service.platform.storage.items() if v}}
    known = {each["name"] for each in own.get("env") or []}
    made = {
        "name": INITIALIZER,
        "image": own.get("image") or storage.get("image", "kserve/storage-initializer:latest"),
        "args": [word for uri, path in downloads for word in (uri, path)],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": own.get("resources")
        or {
            "requests": {"cpu": storage["cpuRequest"], "memory": storage["memoryRequest"]},
            "limits": {"cpu": storage["cpuLimit"], "memory": storage["memoryLimit"]},
        },
        "env": [*(own.get("env") or []), *(e for e in entries if e["name"] not in known)],
        "volumeMounts": [*(own.get("volumeMounts") or []), {"name": DOWNLOADED, "mountPath": top}],
    }
    rest = [each for each in pod.get("initContainers") or [] if each.get("name") != INITIALIZER]
    pod = _volumes(
        {**pod, "initContainers": [*rest, {**own, **{k: v for k, v in made.items() if v}}]}
    )
    pod["volumes"].append({"name": DOWNLOADED, "emptyDir": {}})
    return mounted(pod, target, {"name": DOWNLOADED, "mountPath": top, "readOnly": True})


def _image(
    service: Service, pod: Manifest, scheme: str, image: str, path: str, target: str
) -> Manifest:
    """The model in an image: as a volume, or a container beside the engine (modelcar)."""
    storage = service.platform.storage
    if scheme == "oci+native" or storage.get("ociModelMode") == "native":
        pod = _volumes(pod)
        source = {"reference": image, "pullPolicy": "IfNotPresent"}
        pod["volumes"].append({"name": DOWNLOADED, "image": source})
        mount = {"name": DOWNLOADED, "mountPath": path, "subPath": "models", "readOnly": True}
        return mounted(pod, target, mount)
    pod = _volumes({**pod, "shareProcessNamespace": True})
    pod["volumes"].append({"name": "kserve-model-dir", "emptyDir": {}})
    parent = path.rpartition("/")[0]
    mount = {"name": "kserve-model-dir", "mountPath": parent}
    pod = mounted(pod, target, mount)
    user = storage.get("uidModelcar")
    asked = {
        "cpu": storage.get("cpuModelcar", "10m"),
        "memory": storage.get("memoryModelcar", "15Mi"),
    }
    beside: Manifest = {
        "name": "modelcar",
        "image": image,
        "args": ["sh", "-c", f"ln -sf /proc/$$$$/root/models {path} && sleep infinity"],
        "resources": {"requests": asked, "limits": asked},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [mount],
    }
    first: Manifest = {
        "name": "modelcar-init",
        "image": image,
        "args": [
            "sh",
            "-c",
            "echo 'Pre-fetching modelcar " + image + ": ' && [ -d /models ] && ls /models",
        ],
        "resources": {"requests": asked, "limits": asked},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if user is not None:
        beside["securityContext"] = {"runAsUser": user}
    containers = []
    for each in pod["containers"]:
        if each.get("name") == target:
            entry = {"name": "MODEL_INIT_MODE", "value": "async"}
            each = {**each, "env": [*(each.get("env") or []), entry]}
            if user is not None:
                each["securityContext"] = {**(each.get("securityContext") or {}), "runAsUser": user}
        containers.append(each)
    inits = [*(pod.get("initContainers") or []), first]
    return {**pod, "containers": [*containers, beside], "initContainers": inits}


def sanitized(name: str) -> str:
    """The folder of an adapter."""
    clean = re.sub(r"[^a-zA-Z0-9._-]", "-", name)
    return "adapter" if clean in ("", ".", "..") else clean


def _with_adapters(service: Service, pod: Manifest, target: str) -> Manifest:
    main = container(pod, target)
    if main is None or _tells_adapters(main):
        return pod
    words = [*adapter_words(service), *(main.get("args") or [])]
    changed = [{**e, "args": words} if e is main else e for e in pod["containers"]]
    return {**pod, "containers": changed}


def _tells_adapters(main: Mapping[str, Any]) -> bool:
    words = [*(main.get("command") or []), *(main.get("args") or [])]
    words += [
        e.get("value", "") for e in main.get("env") or [] if e["name"] == "VLLM_ADDITIONAL_ARGS"
    ]
    return any(_LORA_FLAG.search(str(word)) for word in words)


def adapter_words(service: Service) -> list[str]:
    """Flags that load the adapters, each under its name and under the publisher's path."""
    lora = service.spec["model"]["lora"]
    limits = {
        "--max-lora-rank": lora.get("maxRank"),
        "--max-loras": lora.get("maxAdapters"),
        "--max-cpu-loras": lora.get("maxCpuAdapters"),
    }
    words = ["--enable-lora", *(f"{k}={v}" for k, v in limits.items() if v is not None)]
    words.append("--lora-modules")
    for name, _ in service.adapters:
        path = f"{LORA_PATH}/{sanitized(name)}"
        for known in (name, f"publishers/{service.namespace}/models/{name}"):
            text = json.dumps({"name": known, "path": path}, separators=(",", ":"))
            words.append(f"'{text}'")
    return words


def with_tiers(pod: Manifest, offloading: Mapping[str, Any] | None) -> Manifest:
    """The pod with a volume for each further tier of the KV cache."""
    for number, tier in enumerate((offloading or {}).get("secondary") or []):
        source = tier.get("fileSystem") or {}
        name, path = f"kv-cache-secondary-{number}", f"/mnt/kv-cache-{number}"
        mount: Manifest = {"name": name, "mountPath": path}
        pod = _volumes(pod)
        if source.get("emptyDir") is not None:
            size = source["emptyDir"].get("size")
            pod["volumes"].append({"name": name, "emptyDir": {"sizeLimit": size} if size else {}})
            pod = _with_disk(pod, size) if size else pod
        elif (source.get("pvc") or {}).get("spec") is not None:
            claim = {"volumeClaimTemplate": {"spec": source["pvc"]["spec"]}}
            pod["volumes"].append({"name": name, "ephemeral": claim})
        else:
            ref = (source.get("pvc") or {}).get("ref") or {}
            volume = {"claimName": ref.get("name", "")}
            pod["volumes"].append({"name": name, "persistentVolumeClaim": volume})
            if ref.get("path"):
                mount["subPath"] = ref["path"]
        pod = mounted(pod, MAIN, mount)
    return pod


def _with_disk(pod: Manifest, size: str) -> Manifest:
    """The scratch disk is asked for, unless the container says how much itself."""
    changed = []
    for each in pod.get("containers") or []:
        if each.get("name") == MAIN:
            asked = each.get("resources") or {}
            requests = {"ephemeral-storage": size, **(asked.get("requests") or {})}
            each = {**each, "resources": {**asked, "requests": requests}}
        changed.append(each)
    return {**pod, "containers": changed}
