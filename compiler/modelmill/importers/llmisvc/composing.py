"""One specification of a service, its presets and the configurations it refers to.

In: a service, the LLMInferenceServiceConfigs at hand, the platform. Out: the specification KServe
works from, and what it was made of. Order and rules are KServe's, quirks included
(pkg/controller/v1alpha2/llmisvc/config_merge.go); only templates see what was merged, as they do
since kserve/kserve#6126.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from modelmill.importers.llmisvc.platform import Platform, template_data
from modelmill.importers.llmisvc.presets import active
from modelmill.importers.llmisvc.templating import Failure, evaluate
from modelmill.importers.llmisvc.texts import first_document
from modelmill.kserve.merging import merge
from modelmill.names import kserve_name as child_name
from modelmill.tuples import NamedTuple

PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
COMPONENT = "kserve.io/component"
POOL_GROUPS = ("inference.networking.k8s.io", "inference.networking.x-k8s.io")
PICKER_PORT = 9002

_SHARED = "config-scheduler-"
"""What the names of pickers' configurations in KServe's own namespace begin with."""
_KEY = "epp"

Spec = dict[str, Any]
ConfigMaps = Mapping[tuple[str, str], Mapping[str, str]]
"""Data of ConfigMaps by namespace and name."""


class Config(NamedTuple):
    """An LLMInferenceServiceConfig: its name, its namespace ("" where it says none), its spec."""

    name: str
    namespace: str
    spec: Mapping[str, Any]


class Layer(NamedTuple):
    """What the specification was made of, lowest first: a name, and whether it is one of KServe's
    own presets. The service itself has its own name."""

    name: str
    is_preset: bool


class Composed(NamedTuple):
    """The specification, its layers, the configurations that are missing, templates that cannot be
    evaluated, and ConfigMaps of a picker's configuration that are not at hand."""

    spec: Spec
    layers: tuple[Layer, ...]
    missing: tuple[str, ...]
    failures: tuple[Failure, ...]
    unread: tuple[str, ...] = ()


def compose(
    metadata: Mapping[str, Any],
    spec: Mapping[str, Any],
    configs: Sequence[Config],
    platform: Platform,
    config_maps: ConfigMaps = MappingProxyType({}),
) -> Composed:
    """Presets, `baseRefs` in their order, and the service's own specification over both. All of
    them as Go marshals them (`reading`): what is empty is not there."""
    own = _with_name(spec, metadata)
    namespace = str(metadata.get("namespace", "default"))
    wanted = [each.get("name", "") for each in own.get("baseRefs") or []]
    known = {name: _find(configs, name, namespace, platform) for name in wanted}
    decided = own
    for name in wanted:
        decided = merge(decided, known[name] or {})
    presets = [platform.prefix + name for name in active(decided)]
    found = {name: _find(configs, name, namespace, platform) for name in presets}
    merged: Spec = {}
    for each in (*found.values(), *known.values(), own):
        merged = merge(merged, each or {})
    if decided.get("model", {}).get("name"):
        # The pass that chooses presets lets a baseRef's name win over the service's own.
        merged["model"] = {**merged.get("model", {}), "name": decided["model"]["name"]}
    missing = [name for name, each in {**found, **known}.items() if each is None]
    layers = [*(Layer(name, True) for name in found), *(Layer(name, False) for name in known)]
    finished, failures = _finished(merged, metadata, platform)
    unread = _inlined(finished, namespace, platform, config_maps)
    own_layer = Layer(str(metadata["name"]), False)
    return Composed(finished, (*layers, own_layer), tuple(missing), tuple(failures), unread)


def _with_name(spec: Mapping[str, Any], metadata: Mapping[str, Any]) -> Spec:
    """The webhook's defaults: a model is named like its service."""
    model = dict(spec.get("model") or {})
    model.setdefault("name", metadata["name"])
    return {**spec, "model": model}


def _find(configs: Sequence[Config], name: str, namespace: str, platform: Platform) -> Spec | None:
    """A configuration of the service's namespace, else of KServe's own."""
    for place in (namespace, platform.namespace):
        for each in configs:
            if each.name == name and each.namespace in (place, ""):
                return dict(each.spec)
    return None


def _inlined(
    spec: Spec, namespace: str, platform: Platform, config_maps: ConfigMaps
) -> tuple[str, ...]:
    """Puts a picker's configuration that stands in a ConfigMap in its place; the name of a
    ConfigMap that is not at hand."""
    scheduler = (spec.get("router") or {}).get("scheduler") or {}
    ref = (scheduler.get("config") or {}).get("ref")
    if ref is None:
        return ()
    name = str(ref.get("name", ""))
    spaces = [namespace, *([platform.namespace] if name.startswith(_SHARED) else []), ""]
    data = next((config_maps[s, name] for s in spaces if (s, name) in config_maps), None)
    text = data.get(ref.get("key") or _KEY) if data is not None else None
    if text is None:
        return () if ref.get("optional") else (name,)
    inline = first_document(text)
    if not isinstance(inline, dict):
        return (name,)
    scheduler["config"] = {"inline": inline}
    return ()


def _finished(
    merged: Spec, metadata: Mapping[str, Any], platform: Platform
) -> tuple[Spec, list[Failure]]:
    """What KServe completes after the merge, in its order."""
    name, namespace = str(metadata["name"]), str(metadata.get("namespace", "default"))
    spec = {key: value for key, value in merged.items() if key != "baseRefs"}
    router = dict(spec.get("router") or {})
    if router.get("scheduler") is not None:
        router["scheduler"] = _scheduler(router["scheduler"], name)
    if "router" in spec:
        spec["router"] = router
    pool = child_name(name, "-inference-pool")
    spec, failures = evaluate(spec, metadata, template_data(platform, namespace, pool))
    if spec.get("router"):
        spec["router"] = _router(spec["router"], name, pool)
    return spec, failures


def _scheduler(scheduler: Mapping[str, Any], name: str) -> Spec:
    found = dict(scheduler)
    pool = dict(found.get("pool") or {})
    if pool.get("spec") is not None and not pool["spec"].get("selector"):
        labels = {PART_OF: "llminferenceservice", NAME: name, COMPONENT: "workload"}
        found["pool"] = {**pool, "spec": {**pool["spec"], "selector": {"matchLabels": labels}}}
    if found.get("template") is not None:
        account = child_name(name, "-epp-sa")
        found["template"] = {"serviceAccountName": account, **found["template"]}
    return found


def _router(router: Mapping[str, Any], name: str, pool: str) -> Spec:
    found = dict(router)
    scheduler = found.get("scheduler")
    http = dict((found.get("route") or {}).get("http") or {})
    if http.get("spec") is not None:
        own = dict(http["spec"])
        refs = (found.get("gateway") or {}).get("refs")
        if refs:
            own["parentRefs"] = [_parent(each) for each in refs]
        if scheduler is None:
            target = {
                "group": "",
                "kind": "Service",
                "name": child_name(name, "-kserve-workload-svc"),
            }
            own = _with_backend(own, pool, target)
        elif (scheduler.get("pool") or {}).get("ref"):
            own = _with_backend(own, pool, {"name": scheduler["pool"]["ref"]["name"]})
        found["route"] = {**found["route"], "http": {**http, "spec": own}}
    picker = ((scheduler or {}).get("pool") or {}).get("spec", {}).get("endpointPickerRef")
    if picker is not None and picker.get("kind", "Service") in ("", "Service"):
        port = picker.get("port") or {}
        if not port.get("number"):
            picker["port"] = {**port, "number": PICKER_PORT}
    return found


def _parent(ref: Mapping[str, Any]) -> Spec:
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": ref["name"]}
    return {**parent, **{key: ref[key] for key in ("namespace", "sectionName") if ref.get(key)}}


def _with_backend(route: Spec, pool: str, target: Mapping[str, Any]) -> Spec:
    """The route with another backend where the service's own pool stands."""
    rules = []
    for rule in route.get("rules") or []:
        backends = [
            {**each, **target}
            if each.get("group") in POOL_GROUPS and each.get("name") == pool
            else each
            for each in rule.get("backendRefs") or []
        ]
        rules.append({**rule, **({"backendRefs": backends} if backends else {})})
    return {**route, "rules": rules}
