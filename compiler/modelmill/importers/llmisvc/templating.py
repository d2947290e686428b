"""Go templates inside a merged specification, as KServe evaluates them.

In: a merged specification, the service's metadata and the platform's configuration. Out: the
specification without templates. KServe runs text/template over the JSON of the whole; a template
here is read in the same JSON text, string by string: escapes are letters to it, and what it puts in
is not escaped (pkg/controller/v1alpha2/llmisvc/config_merge.go, ReplaceVariables).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate import Function, TemplateError, function, parse
from modelmill.names import kserve_name as child_name
from modelmill.tuples import NamedTuple

# Fields a template reaches by Go's name, and those of theirs that may be unset (nil).
_PARALLELISM = ("tensor", "pipeline", "data", "dataLocal", "dataRPCPort", "expert")
_WORKLOAD = ("replicas", "scaling", "parallelism", "template", "worker", "kvCacheOffloading")
_OTHERS = ("prefill", "router", "tracing", "storageInitializer", "labels", "annotations")
_SPELT = {"uri": "URI", "dataRPCPort": "DataRPCPort", "kvCacheOffloading": "KVCacheOffloading",
          "cpu": "CPU", "lora": "LoRA"}  # fmt: skip
DEFAULT_GRACE = 60
"""terminationGracePeriodSeconds, where a pod says none."""


class Failure(NamedTuple):
    """A template that cannot be evaluated: its path in the specification, and why."""

    path: tuple[str | int, ...]
    reason: str


def evaluate(
    spec: Any, metadata: Mapping[str, Any], platform: Mapping[str, Any], against: Any = None
) -> tuple[Any, list[Failure]]:
    """The specification with its templates evaluated against itself, or against a whole one of
    which it is a part."""
    data = {
        "ObjectMeta": {
            "Name": metadata.get("name", ""),
            "Namespace": metadata.get("namespace", ""),
            "Labels": metadata.get("labels") or {},
            "Annotations": metadata.get("annotations") or {},
        },
        "Spec": _go(spec if against is None else against),
        "GlobalConfig": dict(platform),
    }
    failures: list[Failure] = []
    return _walk(spec, data, (), failures), failures


def has_template(value: Any) -> bool:
    """Whether a template stands anywhere in it."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        return any(has_template(k) or has_template(v) for k, v in value.items())
    return isinstance(value, list) and any(map(has_template, value))


def _walk(value: Any, data: Any, path: tuple[str | int, ...], failures: list[Failure]) -> Any:
    if isinstance(value, dict):
        return {
            _text(key, data, path, failures): _walk(each, data, (*path, key), failures)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_walk(each, data, (*path, n), failures) for n, each in enumerate(value)]
    return _text(value, data, path, failures) if isinstance(value, str) else value


def _text(text: str, data: Any, path: tuple[str | int, ...], failures: list[Failure]) -> str:
    if "{{" not in text:
        return text
    encoded = json.dumps(text, ensure_ascii=False)[1:-1]
    try:
        rendered = parse(encoded).render(data, FUNCTIONS, missing="error")
        return str(json.loads(f'"{rendered}"', strict=False))
    except TemplateError as fault:
        failures.append(Failure(path, fault.message))
    except ValueError:
        failures.append(Failure(path, "what it puts in breaks the JSON around it"))
    return text


def _go(spec: Any) -> dict[str, Any]:
    """The specification by Go's field names; a field that is unset is nil, not missing."""
    found = {_field(key): value for key, value in spec.items()}
    for key in (*_WORKLOAD, *_OTHERS):
        found.setdefault(_field(key), None)
    model = spec.get("model", {})
    found["Model"] = {"Name": model.get("name"), "URI": model.get("uri", ""),
                      "LoRA": model.get("lora")}  # fmt: skip
    found["Parallelism"] = _parallelism(spec)
    if spec.get("prefill") is not None:
        prefill = {_field(key): value for key, value in spec["prefill"].items()}
        for key in _WORKLOAD:
            prefill.setdefault(_field(key), None)
        found["Prefill"] = {**prefill, "Parallelism": _parallelism(spec["prefill"])}
    return found


def _parallelism(workload: Mapping[str, Any]) -> dict[str, Any] | None:
    sizes = workload.get("parallelism")
    if sizes is None:
        return None
    return {_field(key): sizes.get(key, False if key == "expert" else None) for key in _PARALLELISM}


def _field(key: str) -> str:
    return _SPELT.get(key) or key[:1].upper() + key[1:]


def _shutdown_timeout(pod: Any, pre_stop: int) -> int:
    """Seconds a server has to finish its requests: shutdownTimeout."""
    grace = DEFAULT_GRACE
    if isinstance(pod, Mapping) and pod.get("terminationGracePeriodSeconds") is not None:
        grace = int(pod["terminationGracePeriodSeconds"])
    return max(0, grace - pre_stop - min(5, grace))


def _kv_transfer(offloading: Any) -> str:
    """The flag of KV cache offloading, its quotes escaped for the shell: kvTransferConfig."""
    if not isinstance(offloading, Mapping):
        return ""
    return kv_transfer_flag(offloading).replace('"', '\\\\\\"')


def kv_transfer_flag(offloading: Mapping[str, Any]) -> str:
    tiers = offloading.get("secondary") or []
    extra: dict[str, Any] = {
        "cpu_bytes_to_use": _bytes(str(offloading.get("cpu", "0"))),
        "eviction_policy": offloading.get("evictionPolicy", "lru"),
        "secondary_tiers": [
            {"root_dir": f"/mnt/kv-cache-{number}", "type": "fs"} for number in range(len(tiers))
        ],
        "spec_name": "TieringOffloadingSpec",
    }
    if not tiers:
        del extra["secondary_tiers"]
    config = {
        "kv_connector": "OffloadingConnector",
        "kv_connector_extra_config": extra,
        "kv_role": "kv_both",
    }
    text = json.dumps(config, separators=(",", ":"), sort_keys=True)
    return f"--kv-transfer-config '{text}'"


_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6,
          "G": 10**9, "T": 10**12}  # fmt: skip


def _bytes(quantity: str) -> int:
    for unit, size in _UNITS.items():
        if quantity.endswith(unit):
            return int(float(quantity.removesuffix(unit)) * size)
    return int(float(quantity or "0"))


FUNCTIONS: Mapping[str, Function] = {
    "ChildName": function("string string", child_name),
    "shutdownTimeout": function("any int", _shutdown_timeout),
    "kvTransferConfig": function("any", _kv_transfer),
}
