"""Init containers of KServe's presets as fields of a Model.

In: a specification. Out: the same without those that a Model says otherwise: the download's
credentials, and the routing sidecar. One that says more than a field can stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modelmill.importers.llmisvc_engine import is_named
from modelmill.importers.pod_fields import Tree, container_tree, said
from modelmill.tuples import NamedTuple

DOWNLOAD = "storage-initializer"
SIDECAR = "llm-d-routing-sidecar"
TOKEN = "HF_TOKEN"
_SIDECAR_FIELDS = ("image", "env", "resources")
_TEMPLATES = (("template",), ("worker",), ("prefill", "template"), ("prefill", "worker"))


class Inits(NamedTuple):
    """The specification without them, `model.auth` and `routing.sidecar`."""

    spec: Mapping[str, Any]
    auth: Tree
    sidecar: Tree


def without_inits(spec: Mapping[str, Any], kept: Collection[str]) -> Inits:
    """Only where no template is `kept` as it is: what is said of all must be taken from all."""
    if any(part.rpartition(".")[2] in ("template", "worker") for part in kept):
        return Inits(spec, {}, {})
    auth, sidecar = _auth(spec), _sidecar(spec)
    gone = {name for name, each in ((DOWNLOAD, auth), (SIDECAR, sidecar)) if each}
    for place in _TEMPLATES if gone else ():
        spec = _without(spec, place, gone)
    return Inits(spec, auth, sidecar)


def _auth(spec: Mapping[str, Any]) -> Tree:
    """The Secret with the token of the hub, if every pod's download has it."""
    workloads = [spec, *([spec["prefill"]] if spec.get("prefill") is not None else [])]
    pods = [each.get(key) for each in workloads for key in ("template", "worker")]
    needed = [each.get("template") for each in workloads]
    entries = [_named(each, DOWNLOAD) for each in pods if each is not None]
    uri = str((spec.get("model") or {}).get("uri", ""))
    if not uri.startswith("hf://") or None in needed or any(e != entries[0] for e in entries):
        return {}
    entry = entries[0]
    if entry is None or set(entry) != {"name", "env"} or len(entry["env"]) != 1:
        return {}
    source = (entry["env"][0].get("valueFrom") or {}).get("secretKeyRef") or {}
    if entry["env"][0].get("name") != TOKEN or set(source) != {"name", "key"}:
        return {}
    key = source["key"] if source["key"] != TOKEN else None
    return said({"secretName": source["name"], "secretKey": key})


def _sidecar(spec: Mapping[str, Any]) -> Tree:
    """What is said of the sidecar of decode pods, if there are prefill pods."""
    entry = _named(spec.get("template"), SIDECAR)
    if entry is None or spec.get("prefill") is None:
        return {}
    if _named(spec["prefill"].get("template"), SIDECAR) or "command" in entry:
        return {}
    if not is_named(entry):
        return {}
    fields = container_tree(entry)
    if "probes" in fields or "restartPolicy" in fields:
        return {}
    own = {key: fields.pop(key) for key in _SIDECAR_FIELDS if key in fields}
    return said({**own, "argv": fields.pop("args", None), "container": fields})


def _named(pod: Any, name: str) -> Mapping[str, Any] | None:
    inits: Sequence[Mapping[str, Any]] = (pod or {}).get("initContainers") or []
    return next((each for each in inits if each.get("name") == name), None)


def _without(spec: Mapping[str, Any], place: Sequence[str], names: Collection[str]) -> Tree:
    """The specification without init containers in the pod at `place`."""
    found = dict(spec)
    if not place:
        left = [each for each in found.get("initContainers") or [] if each.get("name") not in names]
        rest = {key: each for key, each in found.items() if key != "initContainers"}
        return {**rest, **({"initContainers": left} if left else {})}
    if found.get(place[0]) is not None:
        found[place[0]] = _without(found[place[0]], place[1:], names)
    return found
