"""What KServe refuses of a service that its schema lets through: CEL rules and webhooks.

In: a specification as Go has it. Out: the path of each fault, what is wrong, what to do
(kserve/kserve, pkg/apis/serving/v1alpha2, llm_inference_service_validation.go and the markers of
llm_inference_service_types.go). None of this can be seen before a server says so; here it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelmill.tuples import NamedTuple

Spec = Mapping[str, Any]
Path = tuple[str | int, ...]

SCHEMES = ("hf", "s3", "pvc", "oci", "oci+native")
MATCHES = 64
"""Matches of a rule of an HTTPRoute, as its CRD limits them; each adapter adds to them."""
_MATCHES_OF_PRESET = 8


class Fault(NamedTuple):
    path: Path
    message: str
    hint: str = ""


def faults(spec: Spec) -> list[Fault]:
    """All that KServe would refuse."""
    return [fault for rule in RULES for fault in rule(spec)]


def config_faults(spec: Spec) -> list[Fault]:
    """What it would refuse of a configuration alone: one that refers to others."""
    if not spec.get("baseRefs"):
        return []
    message = "a configuration cannot refer to others by `baseRefs`"
    return [Fault(("baseRefs",), message, "list them in the services that use it")]


def _workloads(spec: Spec) -> Iterator[tuple[Path, Spec]]:
    yield (), spec
    if spec.get("prefill") is not None:
        yield ("prefill",), spec["prefill"]


def _model(spec: Spec) -> Iterator[Fault]:
    uri = str((spec.get("model") or {}).get("uri", ""))
    scheme, separator, _ = uri.partition("://")
    if uri and (not separator or scheme not in SCHEMES):
        known = ", ".join(f"{each}://" for each in SCHEMES)
        yield Fault(("model", "uri"), f"KServe fetches nothing from `{uri}`", f"it knows {known}")


def _adapters(spec: Spec) -> Iterator[Fault]:
    model = spec.get("model") or {}
    seen = {model.get("name"): "the model's name"}
    adapters = [each or {} for each in (model.get("lora") or {}).get("adapters") or []]
    for number, each in enumerate(adapters):
        name, place = str(each.get("name") or ""), ("model", "lora", "adapters", number)
        if not name or name in (".", ".."):
            yield Fault(place, "an adapter needs a name, other than `.` and `..`")
        elif name in seen:
            yield Fault((*place, "name"), f"`{name}` is {seen[name]} already", "name it otherwise")
        seen.setdefault(name, "an adapter's name")
        if str(each.get("uri", "")).startswith("oci"):
            message = "KServe loads no adapter from an image"
            yield Fault((*place, "uri"), message, "use hf://, s3:// or pvc://")
    matches = _MATCHES_OF_PRESET * (1 + len(adapters))
    if adapters and matches > MATCHES and _by_header(spec):
        message = (
            f"a rule with {len(adapters)} adapters has {matches} matches, and may have {MATCHES}"
        )
        hint = "at most 7 adapters, or turn off model-based routing"
        yield Fault(("model", "lora", "adapters"), message, hint)


def _by_header(spec: Spec) -> bool:
    route = (spec.get("router") or {}).get("route")
    noted = spec.get("annotations") or {}
    told = noted.get("serving.kserve.io/model-based-routing-enabled", "true")
    return route is not None and not (route.get("http") or {}).get("spec") and told == "true"


def _sizes(spec: Spec) -> Iterator[Fault]:
    for place, workload in _workloads(spec):
        sizes = workload.get("parallelism") or {}
        at = (*place, "parallelism")
        for key, value in sizes.items():
            if key != "expert" and isinstance(value, int) and value < 1:
                yield Fault((*at, key), f"`{key}` must be at least 1, not {value}")
        if sizes.get("pipeline") and (sizes.get("data") or sizes.get("dataLocal")):
            message = "`pipeline` and `data` exclude each other in KServe"
            yield Fault((*at, "pipeline"), message, "keep one of them")
        if (sizes.get("data") is None) != (sizes.get("dataLocal") is None):
            missing = "data" if sizes.get("data") is None else "dataLocal"
            yield Fault(at, f"`{missing}` is missing: `data` and `dataLocal` come together")
        if workload.get("worker") is not None and not (sizes.get("data") or sizes.get("pipeline")):
            message = "`worker` needs `parallelism.data` or `parallelism.pipeline`"
            yield Fault((*place, "worker"), message)


def lost_ranks(spec: Spec) -> Iterator[Fault]:
    """Ranks that KServe starts no pod for: it cuts `data` ÷ `dataLocal` off."""
    for place, workload in _workloads(spec):
        sizes = workload.get("parallelism") or {}
        data, local = sizes.get("data") or 1, sizes.get("dataLocal") or 1
        if data > local and data % local:
            message = (
                f"{data} ranks do not divide into pods of {local}: KServe loses {data % local}"
            )
            hint = "make `data` a multiple of `dataLocal`"
            yield Fault((*place, "parallelism", "data"), message, hint)


def _scaling(spec: Spec) -> Iterator[Fault]:
    modes: dict[Path, tuple[str, ...]] = {}
    for place, workload in _workloads(spec):
        scaling, at = workload.get("scaling"), (*place, "scaling")
        if scaling is None:
            continue
        if workload.get("replicas") is not None:
            message = "`replicas` and `scaling` exclude each other"
            yield Fault(at, message, "keep `scaling`, or the number")
        yield from _scaler(scaling, at)
        wva = scaling.get("wva")
        modes[at] = ("keda",) if wva is None else ("wva", "hpa" if "hpa" in wva else "keda")
    if len(set(modes.values())) > 1:
        at = list(modes)[-1]
        yield Fault(at, "decode and prefill must be scaled by the same means", "use one for both")


def _scaler(scaling: Spec, at: Path) -> Iterator[Fault]:
    wva, keda = scaling.get("wva"), scaling.get("keda")
    if (wva is None) == (keda is None):
        yield Fault(at, "exactly one of `wva` and `keda` must be there")
    if keda is not None and not keda.get("triggers"):
        yield Fault((*at, "keda"), "`keda` needs at least one trigger")
    least, most = scaling.get("minReplicas", 1), scaling.get("maxReplicas", 1)
    if least > most:
        message = f"`minReplicas` is {least}, above `maxReplicas`, {most}"
        yield Fault((*at, "minReplicas"), message)
    if wva is not None and ("hpa" in wva) == ("keda" in wva):
        yield Fault((*at, "wva"), "exactly one of `hpa` and `keda` must be there")
    for path, each in (((*at, "keda"), keda), ((*at, "wva", "keda"), (wva or {}).get("keda"))):
        if each is not None:
            yield from _keda(each, path, least, is_wva=wva is not None)


def _keda(keda: Spec, at: Path, least: int, *, is_wva: bool) -> Iterator[Fault]:
    idle = keda.get("idleReplicaCount")
    if idle is not None and idle >= least:
        message = f"`idleReplicaCount` is {idle}, and must be below `minReplicas`, {least}"
        yield Fault((*at, "idleReplicaCount"), message)
    advanced = keda.get("advanced")
    config = (advanced or {}).get("horizontalPodAutoscalerConfig")
    if is_wva and (advanced or {}).get("scalingModifiers"):
        message = "the workload variant autoscaler computes replicas: no modifiers beside it"
        yield Fault((*at, "advanced", "scalingModifiers"), message)
    elif is_wva and advanced is not None:
        # Its rule reads `scalingModifiers.metricType`, which must be empty and cannot be.
        message = "the schema's own rule refuses `advanced` beside the variant autoscaler"
        yield Fault((*at, "advanced"), message, "leave it out, or choose `hpa`")
    elif (config or {}).get("name"):
        place = (*at, "advanced", "horizontalPodAutoscalerConfig", "name")
        yield Fault(place, "KServe names the HorizontalPodAutoscaler itself", "leave it out")
    elif config is not None:
        # The rule reads `name`, which is not there: no such key. An empty one KServe drops.
        message = "the schema's own rule refuses `horizontalPodAutoscalerConfig`"
        yield Fault((*at, "advanced", "horizontalPodAutoscalerConfig"), message, "leave it out")


def _route(spec: Spec) -> Iterator[Fault]:
    router = spec.get("router") or {}
    route, gateway = router.get("route") or {}, router.get("gateway")
    http, at = route.get("http") or {}, ("router", "route")
    if http.get("refs") and http.get("spec") is not None:
        yield Fault((*at, "http"), "`refs` and `spec` exclude each other", "keep one of them")
    if http.get("refs") and gateway is not None and not gateway.get("refs"):
        message = "routes that exist cannot go with a Gateway that KServe chooses"
        yield Fault((*at, "http", "refs"), message, "name the Gateway in `gateway.refs`, or none")
    parents = (http.get("spec") or {}).get("parentRefs")
    refs = (gateway or {}).get("refs")
    if parents and refs and _named(parents) != _named(refs):
        message = "`parentRefs` must be the Gateways of `gateway.refs`"
        yield Fault((*at, "http", "spec", "parentRefs"), message, "leave `parentRefs` out")
    if (route.get("group") is None) != (route.get("weight") is None):
        yield Fault(at, "`group` and `weight` come together")
    group = route.get("group")
    if group is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", group):
        yield Fault((*at, "group"), f"`{group}` is not a DNS label")
    if group is not None and (http.get("refs") or router.get("ingress") is not None):
        yield Fault((*at, "group"), "a group needs routes that KServe makes")
    weight = route.get("weight")
    if weight is not None and not 0 <= weight <= 1_000_000:
        yield Fault((*at, "weight"), f"a weight is from 0 to 1000000, not {weight}")


def _named(refs: list[Any]) -> set[tuple[str, str, str]]:
    return {
        (each.get("namespace", ""), each.get("name", ""), each.get("sectionName", ""))
        for each in refs
    }


def _scheduler(spec: Spec) -> Iterator[Fault]:
    scheduler, at = (spec.get("router") or {}).get("scheduler"), ("router", "scheduler")
    if scheduler is None:
        return
    pool, config = scheduler.get("pool") or {}, scheduler.get("config")
    if pool.get("ref") is not None and pool.get("spec") is not None:
        yield Fault((*at, "pool"), "`ref` and `spec` exclude each other", "keep one of them")
    if config is not None and (config.get("inline") is None) == (config.get("ref") is None):
        yield Fault((*at, "config"), "exactly one of `inline` and `ref` must be there")
    if config is not None and config.get("inline") == {}:
        yield Fault((*at, "config", "inline"), "`inline` is empty", "leave `config` out")
    if scheduler.get("replicas") is not None and scheduler["replicas"] < 1:
        yield Fault((*at, "replicas"), "a picker needs at least one replica")
    ports = [each.get("number") for each in (pool.get("spec") or {}).get("targetPorts") or []]
    if len(ports) > 8 or len(set(ports)) < len(ports):
        message = "a pool has at most 8 target ports, each once"
        yield Fault((*at, "pool", "spec", "targetPorts"), message)


def _offloading(spec: Spec) -> Iterator[Fault]:
    for place, workload in _workloads(spec):
        offloading, at = workload.get("kvCacheOffloading") or {}, (*place, "kvCacheOffloading")
        policy = offloading.get("evictionPolicy", "lru")
        if policy not in ("lru", "arc"):
            yield Fault((*at, "evictionPolicy"), f"`{policy}` is not lru or arc")
        for number, tier in enumerate(offloading.get("secondary") or []):
            system = tier.get("fileSystem") or {}
            claim = system.get("pvc") or {}
            found = [system.get("emptyDir"), claim.get("spec"), claim.get("ref")]
            if sum(each is not None for each in found) != 1:
                message = "a tier is exactly one of `emptyDir`, `pvc.spec` and `pvc.ref`"
                yield Fault((*at, "secondary", number), message)


def _rollout(spec: Spec) -> Iterator[Fault]:
    for place, workload in _workloads(spec):
        rollout, at = workload.get("rolloutStrategy"), (*place, "rolloutStrategy")
        if rollout is None:
            continue
        values = {
            key: str(rollout[key]) for key in ("maxUnavailable", "maxSurge") if key in rollout
        }
        for key, value in values.items():
            number = int(value.removesuffix("%")) if value.removesuffix("%").isdigit() else -1
            if number < 0 or (value.endswith("%") and number > 100):
                yield Fault((*at, key), f"`{value}` is no number of pods and no part of them")
        zeros = [value.strip("%0") == "" for value in values.values()]
        if len(zeros) == 2 and all(zeros):
            yield Fault(at, "`maxUnavailable` and `maxSurge` cannot both be 0")
        groups = workload.get("worker") is not None
        if groups and values.get("maxUnavailable") == "0" and "maxSurge" not in values:
            message = "groups that may not be missing need `maxSurge` to be replaced at all"
            yield Fault(at, message)


def _confidential(spec: Spec) -> Iterator[Fault]:
    found = (spec.get("model") or {}).get("confidential") or {}
    resource = found.get("resourceId", "")
    segment = r"[a-zA-Z0-9_.-]+"
    if resource and not re.fullmatch(rf"kbs:///{segment}/{segment}/{segment}", resource):
        place = ("model", "confidential", "resourceId")
        yield Fault(place, f"`{resource}` is not of the form kbs:///a/b/c")


def _replicas(spec: Spec) -> Iterator[Fault]:
    for place, workload in _workloads(spec):
        if (workload.get("replicas") or 0) < 0:
            yield Fault((*place, "replicas"), "`replicas` cannot be below 0")


RULES: tuple[Callable[[Spec], Iterator[Fault]], ...] = (
    _model,
    _adapters,
    _replicas,
    _sizes,
    _scaling,
    _route,
    _scheduler,
    _offloading,
    _rollout,
    _confidential,
)
