"""Where a field of KServe's resource is said in a Model.

In: a variant and a path in the specification. Out: the path in the Model's, for messages.
"""

from __future__ import annotations

from modelmill.kserve_identity import PREFILL
from modelmill.variant import Variant

Path = tuple[str | int, ...]

# Fields of a workload, and what a role calls them.
WORKLOAD = {
    "replicas": ("replicas",),
    "scaling": ("autoscaling",),
    "parallelism": ("parallelism",),
    "worker": ("worker",),
    "template": ("pod",),
    "kvCacheOffloading": ("kvCacheOffloading",),
    "rolloutStrategy": ("strategy",),
}
SCALING = {
    "minReplicas": ("minReplicas",),
    "maxReplicas": ("maxReplicas",),
    "idleReplicaCount": ("idleReplicas",),
    "scalingModifiers": ("scalingModifiers",),
    "horizontalPodAutoscalerConfig": ("behavior",),
    "triggers": ("triggers",),
}
ROUTER = {
    "route": ("routing", "route"),
    "gateway": ("routing", "gateway"),
    "scheduler": ("routing", "scheduler"),
}


def place_of(variant: Variant, path: Path) -> Path:
    """The nearest there is. What `kserve.fields` says wins, as it does in the resource."""
    for depth in range(len(path), 0, -1):
        if variant.tree.get("kserve", "fields", *path[:depth]) is not None:
            return ("kserve", "fields", *path[:depth])
    if path[:1] == ("model",):
        return _model(variant, path)
    if path[:1] == ("router",):
        inner = path[1] if len(path) > 1 else ""
        if path[2:3] == ("pool",):
            return ("routing", "pool")
        return (*ROUTER.get(str(inner), ("routing",)), *path[2:3])
    part = PREFILL if path[:1] == ("prefill",) else ""
    key = next((key for key in variant.roles if variant.part(key) == part), "")
    return ("roles", key, *_role(path[1:] if part else path))


def _model(variant: Variant, path: Path) -> Path:
    if path[1:3] != ("lora", "adapters"):
        return path
    names = sorted(variant.spec.model.adapters)
    number = path[3] if len(path) > 3 else None
    return ("model", "adapters", *([names[number]] if isinstance(number, int) else []), *path[4:])


def _role(path: Path) -> Path:
    field, inside = (str(path[0]) if path else ""), path[1:]
    place = WORKLOAD.get(field, ())
    if field == "scaling":
        return (*place, *next((SCALING[str(k)] for k in reversed(inside) if str(k) in SCALING), ()))
    if field == "parallelism":
        return (*place, *("rpcPort" if each == "dataRPCPort" else each for each in inside))
    return (*place, *inside) if place else ()
