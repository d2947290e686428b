"""A specification of KServe's as the fields of a Model.

In: an LLMInferenceServiceSpec with its templates evaluated. Out: a Model's `spec`. A field of the
resource is a field of the Model where there is one; what has none stands under `kserve.fields`, as
the CRD spells it. `kept` names parts that stay there all the same: those that would come out as
something else, or that a check refuses. The counterpart of `modelmill.kserve`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modelmill.importers.hoisting import common, without
from modelmill.importers.llmisvc_inits import Inits, without_inits
from modelmill.importers.llmisvc_picker import scheduler_of
from modelmill.importers.llmisvc_roles import WORKLOAD, Part, role_of
from modelmill.importers.llmisvc_routes import route_of
from modelmill.importers.pod_fields import Tree, said
from modelmill.kserve.escaping import escaped
from modelmill.spec.role import SHARED

DECODE, PREFILL = "decode", "prefill"
TUNING = {
    "maxRank": "max-lora-rank",
    "maxAdapters": "max-loras",
    "maxCpuAdapters": "max-cpu-loras",
}
WHOLE = ("resources", "probes")
"""Fields of roles that are said in one place."""
ORDER = ("model", "engine", "roles", "routing", "tracing", "kserve")
"""Places of a Model by the part of a resource they come from."""
_TRACING = {"exporterEndpoint": "endpoint", "sampler": "sampler", "samplerArg": "samplerArgument"}
_PLACES = {
    ("model", "adapters"): "model.lora",
    ("model", "auth"): "template",
    ("routing", "sidecar"): "template",
    ("routing", "scheduler"): "router.scheduler",
    ("routing", "gateway"): "router.route",
    ("routing", "route"): "router.route",
    ("tracing",): "tracing",
}
_ROLE_PLACES = {
    "parallelism": "parallelism",
    "autoscaling": "scaling",
    "kvCacheOffloading": "kvCacheOffloading",
    "strategy": "rolloutStrategy",
    "worker": "worker",
}


def spec_of(spec: Mapping[str, Any], kept: Collection[str], *, whole: bool, name: str = "") -> Tree:
    """`whole`: of a service. Else of a configuration, which says a part. `name`: what a picker's
    configuration is called."""
    inits = without_inits(spec, kept) if whole else Inits(spec, {}, {})
    spec = inits.spec
    prefill = spec.get("prefill")
    here = {key: spec[key] for key in WORKLOAD if key in spec}
    roles: Tree = {}
    fields: Tree = {}
    if here or whole:
        part = role_of(here, _below("", kept), whole=whole)
        roles, fields = {DECODE: part.tree}, dict(part.rest)
    if prefill is not None:
        part = role_of(prefill, _below("prefill.", kept), whole=whole)
        roles[PREFILL] = part.tree
        fields |= {PREFILL: part.rest} if part.rest else {}
    tree: Tree = {"roles": roles}
    for key, part in (
        ("model", _model(spec, roles, kept)),
        ("routing", _router(spec.get("router"), kept, name)),
        ("tracing", _tracing(spec.get("tracing"), kept)),
    ):
        tree |= {key: part.tree} if part.tree else {}
        fields |= part.rest
    if inits.auth:
        tree["model"] = {**tree["model"], "auth": inits.auth}
    if inits.sidecar:
        tree["routing"] = {**tree.get("routing", {}), "sidecar": inits.sidecar}
    known = {*WORKLOAD, "prefill", "model", "router", "tracing", "storageInitializer", "baseRefs"}
    fields |= {key: value for key, value in spec.items() if key not in known}
    # There KServe evaluates templates, and these are none any more.
    tree |= {"kserve": {"fields": escaped(fields)}} if fields else {}
    return {key: tree[key] for key in ORDER if tree.get(key)}


def together(spec: Tree) -> Tree:
    """The spec of a Model without presets, what its roles say alike said once above them."""
    roles = spec.get("roles") or {}
    if len(roles) < 2:
        return spec
    found = common(list(roles.values()), [key for key in SHARED if key != "replicas"])
    # Half of what a role asks for would stand far from the other half.
    shared = {
        key: each
        for key, each in found.items()
        if key not in WHOLE or all(role[key] == each for role in roles.values())
    }
    left = {name: without(role, shared) for name, role in roles.items()}
    ordered = {"model": spec.get("model"), **shared, "roles": left}
    return {**{k: v for k, v in ordered.items() if v is not None}, **_but(spec, ordered)}


def _but(entries: Tree, known: Collection[str]) -> Tree:
    return {key: value for key, value in entries.items() if key not in known}


def part_at(path: Sequence[str | int]) -> str | None:
    """The part of a resource that a field of the Model says; None where it must be there."""
    if path[:1] == ("roles",) and len(path) > 2:
        prefix = "prefill." if path[1] == PREFILL else ""
        if path[2:4] in (("engine", "args"), ("engine", "argv")):
            return f"{prefix}args"
        if path[2:4] in (("pod", "labels"), ("pod", "annotations")):
            return f"{prefix}{path[3]}"
        return prefix + _ROLE_PLACES.get(str(path[2]), "template")
    return _PLACES.get(tuple(map(str, path[:2]))) or (
        "tracing" if path[:1] == ("tracing",) else None
    )


def part_of(path: Sequence[str | int]) -> str | None:
    """The part of a resource that a place of it is in."""
    prefix, path = ("prefill.", path[1:]) if path[:1] == (PREFILL,) else ("", path)
    if not path:
        return None
    head = str(path[0])
    if not prefix and head in ("model", "router"):
        inner = str(path[1]) if len(path) > 1 else ""
        if head == "model":
            return f"model.{inner}" if inner in ("lora", "uri") else None
        return "router.scheduler" if inner == "scheduler" else "router.route"
    if head in ("template", "worker") and "args" in path:
        return f"{prefix}args"
    if head == "replicas":
        return None
    return prefix + head if head in WORKLOAD or head == "tracing" else None


def _below(prefix: str, kept: Collection[str]) -> frozenset[str]:
    """Parts of one workload."""
    found = (each.removeprefix(prefix) for each in kept if each.startswith(prefix))
    return frozenset(each for each in found if "." not in each)


def _model(spec: Mapping[str, Any], roles: Tree, kept: Collection[str]) -> Part:
    model = dict(spec.get("model") or {})
    rest: Tree = {}
    tree = said({"name": model.pop("name", None), **_source(model.pop("uri", ""))})
    lora = model.pop("lora", None)
    if lora is not None:
        adapters = _adapters(lora.get("adapters") or []) if "model.lora" not in kept else None
        tuned = adapters is not None and _tuned(lora, roles)
        tree |= {"adapters": adapters} if adapters else {}
        typed = [*(("adapters",) if adapters is not None else ()), *(TUNING if tuned else ())]
        left = _but(dict(lora), typed)
        rest |= {"lora": left} if left else {}
    if (spec.get("storageInitializer") or {}).get("enabled") is False:
        tree["mounted"] = False
    if "model.uri" in kept and tree.get("uri"):
        rest["uri"] = spec["model"]["uri"]
    rest |= model
    return Part(tree, {"model": rest} if rest else {})


def _source(uri: str) -> Tree:
    """`uri` and `revision`."""
    scheme, _, place = uri.partition("://")
    if scheme == "hf" and ":" in place:
        name, _, revision = place.partition(":")
        return {"uri": f"hf://{name}", "revision": revision}
    if scheme == "pvc" and place and "/" not in place:
        return {"uri": f"{uri}/"}
    if scheme == "oci+native":
        return {"uri": f"oci://{place}"}
    return {"uri": uri}


def _adapters(adapters: Sequence[Mapping[str, Any]]) -> Tree | None:
    found: Tree = {}
    for each in adapters:
        if set(each) != {"name", "uri"} or not all(isinstance(v, str) for v in each.values()):
            return None
        if not each["name"] or each["name"] in found:
            return None
        found[each["name"]] = _source(str(each["uri"]))
    return found


def _tuned(lora: Mapping[str, Any], roles: Tree) -> bool:
    """Puts numbers of adapters into the flags of engines; whether all of them take flags."""
    flags = {flag: lora[key] for key, flag in TUNING.items() if key in lora}
    engines = [role.get("engine") or {} for role in roles.values()]
    if not flags or not engines or any("argv" in each or "command" in each for each in engines):
        return False
    for role in roles.values():
        engine = dict(role.get("engine") or {})
        role["engine"] = {**engine, "args": {**(engine.get("args") or {}), **flags}}
    return True


def _tracing(tracing: Mapping[str, Any] | None, kept: Collection[str]) -> Part:
    """Tracing that leaves nothing to KServe's preset; the rest of it stays."""
    if tracing is None:
        return Part({}, {})
    if "tracing" in kept or set(_TRACING) - set(tracing):
        return Part({}, {"tracing": dict(tracing)})
    rest = _but(dict(tracing), _TRACING)
    tree = {ours: tracing[theirs] for theirs, ours in _TRACING.items()}
    return Part(tree, {"tracing": rest} if rest else {})


def _router(router: Mapping[str, Any] | None, kept: Collection[str], name: str) -> Part:
    if not router:
        return Part({}, {} if router is None else {"router": {}})
    tree: Tree = {}
    rest = dict(router)
    route = route_of(router) if "router.route" not in kept else None
    if route is not None:
        tree, rest = route, _but(rest, ("route", "gateway"))
    scheduler = router.get("scheduler")
    found = None
    if scheduler is not None and "router.scheduler" not in kept:
        found = scheduler_of(scheduler, name)
    if found is not None:
        tree["scheduler"] = found.tree
        rest = {**_but(rest, ("scheduler",)), **({"scheduler": found.rest} if found.rest else {})}
    return Part(tree, {"router": rest} if rest else {})
