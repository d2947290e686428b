"""Workloads of an LLMInferenceService as roles of a Model.

In: a WorkloadSpec, which a service has for decode and another for prefill. Out: a role, and what
has no field in one, as the CRD spells it. `kept` names fields that stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modelmill.importers.folding import fold
from modelmill.importers.llmisvc_engine import template_tree
from modelmill.importers.pod_fields import Tree, keyed, said, texts
from modelmill.layers import WORKER_ENGINE, WORKER_POD
from modelmill.tuples import NamedTuple

SIZES = {
    "tensor": "tensor",
    "pipeline": "pipeline",
    "data": "data",
    "dataLocal": "dataLocal",
    "expert": "expert",
    "dataRPCPort": "rpcPort",
}
DEFAULT_COST = "10.0"
_KEDA = {
    "idleReplicaCount": "idleReplicas",
    "pollingInterval": "pollingInterval",
    "cooldownPeriod": "cooldownPeriod",
    "initialCooldownPeriod": "initialCooldownPeriod",
}
WORKLOAD = (
    *("replicas", "scaling", "parallelism", "labels", "annotations", "template", "worker"),
    *("kvCacheOffloading", "rolloutStrategy"),
)
"""Fields of a WorkloadSpec."""


class Part(NamedTuple):
    """A role, and what stays as the CRD spells it."""

    tree: Tree
    rest: Tree


def role_of(workload: Mapping[str, Any], kept: Collection[str], *, whole: bool) -> Part:
    """`whole`: of a service, for which a number of replicas that nobody says is left to others, and
    an engine that nobody names is vLLM in KServe's preset."""
    tree: Tree = {}
    rest: Tree = {key: workload[key] for key in kept if key in workload}
    scaler = _scaler(workload.get("scaling")) if "scaling" not in kept else None
    if "replicas" in workload and scaler is None:
        tree["replicas"] = workload["replicas"]
    elif scaler is not None:
        tree["autoscaling"] = scaler
    elif whole:
        tree["autoscaling"] = {"by": "external"}
    if "scaling" in workload and scaler is None:
        rest["scaling"] = workload["scaling"]
    tree |= _sized(workload, kept)
    offloading = _offloading(workload.get("kvCacheOffloading"))
    if offloading is not None and "kvCacheOffloading" not in kept:
        tree["kvCacheOffloading"] = offloading
    elif "kvCacheOffloading" in workload:
        rest["kvCacheOffloading"] = workload["kvCacheOffloading"]
    pods = _pods(workload, kept)
    engine = pods.tree.pop("engine", {})
    if whole:
        engine = {"type": "vllm", **engine}
    tree |= {**({"engine": engine} if engine else {}), **pods.tree}
    return Part(tree, {**rest, **pods.rest})


def _sized(workload: Mapping[str, Any], kept: Collection[str]) -> Tree:
    tree: Tree = {}
    sizes = workload.get("parallelism")
    if sizes is not None and "parallelism" not in kept:
        tree["parallelism"] = {SIZES[key]: value for key, value in sizes.items()}
    if "rolloutStrategy" not in kept:
        tree["strategy"] = workload.get("rolloutStrategy")
    return said(tree)


def _pods(workload: Mapping[str, Any], kept: Collection[str]) -> Part:
    """What the pods are made of: the leader's, and over it the workers'."""
    tree: Tree = {}
    rest: Tree = {}
    template = workload.get("template")
    leader = None
    if template is not None and "template" not in kept:
        leader = template_tree(template, verbatim="args" in kept)
    if leader is not None:
        tree, rest = dict(leader.tree), ({"template": leader.rest} if leader.rest else {})
    elif template is not None:
        rest["template"] = template
    worker = workload.get("worker")
    if worker is not None:
        over = _worker(leader.tree, worker, kept) if leader is not None else None
        if over is None:
            rest["worker"] = worker
        else:
            tree["worker"] = over
    noted = {k: texts(workload.get(k) or {}) for k in ("labels", "annotations") if k not in kept}
    pod = said({**(tree.get("pod") or {}), **said(noted)})
    return Part({**tree, **({"pod": pod} if pod else {})}, rest)


def _worker(leader: Tree, worker: Mapping[str, Any], kept: Collection[str]) -> Tree | None:
    """`worker`: what its pods have over the leader's; None where it cannot be said so."""
    found = template_tree(worker, verbatim="args" in kept) if "worker" not in kept else None
    if found is None or found.rest:
        return None
    below, above = (dict(each.get("engine") or {}) for each in (leader, found.tree))
    shared = [(below.pop(key, None), above.pop(key, None)) for key in ("image", "type")]
    shared += [(leader.get(key), found.tree.get(key)) for key in ("sharedMemory", "kvTransfer")]
    if any(one != other for one, other in shared):
        return None
    own = {key: leader[key] for key in WORKER_POD if key in leader}
    theirs = {key: found.tree[key] for key in WORKER_POD if key in found.tree}
    flags = {key: below[key] for key in WORKER_ENGINE if key in below}
    return fold({**flags, **own}, {**above, **theirs})


def _scaler(scaling: Mapping[str, Any] | None) -> Tree | None:
    """`autoscaling`; None where it cannot say all of it."""
    if scaling is None:
        return None
    bounds: Tree = {"maxReplicas": scaling.get("maxReplicas")}
    if scaling.get("minReplicas", 1) != 1:
        bounds = {"minReplicas": scaling["minReplicas"], **bounds}
    wva, keda = scaling.get("wva"), scaling.get("keda")
    if wva is not None and keda is None:
        cost = wva.get("variantCost")
        bounds |= said({"variantCost": cost if cost != DEFAULT_COST else None})
        if wva.get("hpa") is not None and wva.get("keda") is None:
            return said({"by": "wva", **bounds, "behavior": wva["hpa"].get("behavior")})
        further = _keda(wva["keda"]) if wva.get("keda") is not None else None
        return (
            {"by": "wva", **bounds, "actuator": "keda", **further} if further is not None else None
        )
    if keda is None:
        return None
    triggers = keda.get("triggers") or []
    names = [each.get("name") for each in triggers]
    further = _keda({k: v for k, v in keda.items() if k != "triggers"})
    if further is None or not all(isinstance(each, str) and each for each in names):
        return None
    if len(set(names)) < len(names):
        return None
    return {"by": "keda", **bounds, **further, "furtherTriggers": keyed(triggers, "name")}


def _keda(keda: Mapping[str, Any]) -> Tree | None:
    advanced = dict(keda.get("advanced") or {})
    autoscaler = dict(advanced.pop("horizontalPodAutoscalerConfig", None) or {})
    tree = said(
        {
            **{ours: keda.get(theirs) for theirs, ours in _KEDA.items()},
            "fallback": keda.get("fallback"),
            "behavior": autoscaler.pop("behavior", None),
            "scalingModifiers": advanced.pop("scalingModifiers", None),
            "restoreToOriginalReplicaCount": advanced.pop("restoreToOriginalReplicaCount", None),
        }
    )
    known = {*_KEDA, "fallback", "advanced"}
    return None if advanced or autoscaler or set(keda) - known else tree


def _offloading(offloading: Mapping[str, Any] | None) -> Tree | None:
    """`kvCacheOffloading`; None where it cannot say all of it."""
    if offloading is None:
        return None
    tiers = {}
    for number, each in enumerate(offloading.get("secondary") or [], 1):
        tier = _tier(each.get("fileSystem") or {})
        if tier is None:
            return None
        tiers[f"tier-{number}"] = tier
    tree = {"cpu": str(offloading.get("cpu")), "evictionPolicy": offloading.get("evictionPolicy")}
    return said({**tree, "tiers": tiers})


def _tier(place: Mapping[str, Any]) -> Tree | None:
    if set(place) == {"emptyDir"}:
        return {"emptyDir": {"size": str(place["emptyDir"]["size"])}}
    claim = place.get("pvc") or {}
    if set(claim) == {"ref"}:
        return {"existingClaim": dict(claim["ref"])}
    own = dict(claim.get("spec") or {}) if set(claim) == {"spec"} else {}
    asked = dict(own.pop("resources", None) or {})
    size = (asked.get("requests") or {}).get("storage")
    whole = (
        size is not None and set(asked) == {"requests"} and set(asked["requests"]) == {"storage"}
    )
    if not whole or set(own) - {"accessModes", "storageClassName"} or not own.get("accessModes"):
        return None
    return {"claim": {"size": str(size), **own}}
