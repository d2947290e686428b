"""Objects of the chart beside its workloads: monitors, claims, and what is handed on as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.importers.modelservice_chart import Rendered, RoleFacts
from modelmill.importers.pod_fields import Tree, said

Manifest = Mapping[str, Any]

TOOL_LABELS = frozenset(
    {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"}
)
_ENDPOINT = ("port", "path", "interval", "scrapeTimeout", "relabelings", "metricRelabelings")
_COMPONENT = "app.kubernetes.io/component"


def workload_of(rendered: Rendered, facts: RoleFacts) -> Manifest:
    """The Deployment, LeaderWorkerSet or ReplicaSet of a role."""
    return next(
        each
        for each in rendered.objects
        if each["kind"] == facts.kind and each["metadata"]["name"] == facts.name
    )


def monitor_of(rendered: Rendered, facts: RoleFacts) -> Manifest | None:
    """The PodMonitor of a role; None where it selects other pods than the workload does, as with
    dual pods: then it is an object of its own."""
    if facts.kind == "ReplicaSet":
        return None
    name = f"{facts.name}-podmonitor"
    found = (e for e in rendered.objects if e["kind"] == "PodMonitor" and _name(e) == name)
    return next(found, None)


def monitor_tree(monitor: Manifest) -> Tree:
    """`podMonitor` of a role."""
    spec = monitor["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    labels = monitor["metadata"].get("labels") or {}
    own = {k: v for k, v in labels.items() if k not in (*TOOL_LABELS, _COMPONENT)}
    further = {k: v for k, v in spec.items() if k not in ("selector", "podMetricsEndpoints")}
    return said(
        {
            "name": _name(monitor),
            **{key: endpoint[key] for key in _ENDPOINT if key in endpoint},
            "labels": own,
            "annotations": monitor["metadata"].get("annotations"),
            "fields": further,
        }
    )


def claim_template_of(rendered: Rendered, facts: RoleFacts) -> Manifest | None:
    claim = facts.accelerator.claim
    if claim is None or not claim.made:
        return None
    return next(
        each
        for each in rendered.objects
        if each["kind"] == "ResourceClaimTemplate" and _name(each) == claim.template
    )


def accelerator_tree(rendered: Rendered, facts: RoleFacts, derived: int) -> Tree:
    """`accelerator`; `derived` is how many a pod asks for by its parallelism."""
    known = facts.accelerator
    tree: Tree = said({"name": known.type, "resource": known.resource})
    claim, template = known.claim, claim_template_of(rendered, facts)
    if claim is None:
        return tree
    entry: Tree = {"template": claim.template}
    if template is not None:
        devices = template["spec"]["spec"]["devices"]
        requests = {each["name"]: _request(each, derived) for each in devices["requests"]}
        entry = said({"name": claim.template, "requests": requests})
    return {**tree, "allocation": "dra", "claims": {claim.name: entry}}


def _request(request: Manifest, derived: int) -> Tree:
    alternatives = request.get("firstAvailable")
    if alternatives is None:
        return _devices(request["exactly"], derived)
    return {"firstAvailable": {each["name"]: _devices(each, derived) for each in alternatives}}


def _devices(devices: Manifest, derived: int) -> Tree:
    selectors = devices.get("selectors") or []
    expressions = [
        each["cel"]["expression"]
        for each in selectors
        if list(each) == ["cel"] and isinstance(each["cel"], dict) and "expression" in each["cel"]
    ]
    plain = len(expressions) == len(selectors)
    count = devices.get("count")
    used = ("name", "deviceClassName", "count", "allocationMode", "selectors")
    further = {k: v for k, v in devices.items() if k not in used}
    return said(
        {
            "deviceClass": devices.get("deviceClassName"),
            "count": count if count != derived else None,
            "allocationMode": devices.get("allocationMode"),
            "selectors": expressions if plain else None,
            "fields": further,
        }
    )


def extra_objects(rendered: Rendered, carried: Iterable[Manifest]) -> Tree:
    """Every object that no field of the Model makes, as it is, in the namespace it is put into."""
    taken = {(each["kind"], _name(each)) for each in carried}
    found: Tree = {}
    for each in rendered.objects:
        if (each["kind"], _name(each)) not in taken:
            found[_key(found, each)] = _as_it_is(each, rendered.namespace)
    return found


def _as_it_is(body: Manifest, namespace: str) -> Tree:
    metadata = dict(body["metadata"])
    if metadata.get("namespace") == namespace:
        del metadata["namespace"]
    labels = metadata.get("labels") or {}
    metadata["labels"] = {k: v for k, v in labels.items() if k not in TOOL_LABELS}
    return {**body, "metadata": said(metadata)}


def _key(taken: Mapping[str, Any], body: Manifest) -> str:
    key = f"{body['kind']}-{_name(body)}".lower()
    return key if key not in taken else f"{key}-{len(taken) + 1}"


def _name(body: Manifest) -> str:
    return str(body["metadata"].get("name", ""))
