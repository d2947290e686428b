"""The Service of a service's pods, and its HTTPRoute.

In: a service. Out: both (pkg/controller/v1alpha2/llmisvc/workload.go, router.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.children.frame import (
    MODEL_ROUTING,
    NAME,
    PART_OF,
    SERVED,
    Manifest,
    Service,
    labels,
    manifest,
)

PORT = 8000


def workload_service(service: Service) -> Manifest:
    scheme = "https" if service.platform.tls else "http"
    port = {
        "name": scheme,
        "port": PORT,
        "targetPort": PORT,
        "protocol": "TCP",
        "appProtocol": scheme,
    }
    chosen = {NAME: service.name, PART_OF: "llminferenceservice", SERVED: "workload"}
    said = service.spec.get("annotations") or {}
    return manifest(
        service,
        "v1",
        "Service",
        service.child("-kserve-workload-svc"),
        {**labels(service, "workload"), **(service.spec.get("labels") or {})},
        {key: value for key, value in said.items() if key != MODEL_ROUTING},
        spec={"selector": chosen, "ports": [port]},
    )


def routes(service: Service) -> Iterator[Manifest]:
    route = service.router.get("route")
    http = (route or {}).get("http") or {}
    if route is None or http.get("refs") or http.get("spec") is None:
        return
    spec = dict(http["spec"])
    if not _by_model(service):
        spec["rules"] = _without_header(spec.get("rules") or [], service.platform.model_header)
    else:
        spec["rules"] = [_with_adapters(service, rule) for rule in spec.get("rules") or []]
    own = labels(service, "router")
    if route.get("group"):
        own["serving.kserve.io/routing-group"] = route["group"]
    name = service.child("-kserve-route")
    yield manifest(service, "gateway.networking.k8s.io/v1", "HTTPRoute", name, own, spec=spec)


def _by_model(service: Service) -> bool:
    """Whether requests are told by a header. A Gateway may opt out, in the cluster alone."""
    wanted = (service.spec.get("annotations") or {}).get(MODEL_ROUTING)
    return wanted == "true" and service.platform.model_routing != "disabled"


def _without_header(rules: list[Manifest], header: str) -> list[Manifest]:
    """Rules without that header; one that has nothing else goes."""
    if not header:
        return rules
    kept = []
    for rule in rules:
        matches = [_stripped(each, header) for each in rule.get("matches") or []]
        if rule.get("matches") and not any(matches):
            continue
        left = [each for each in matches if each]
        kept.append({**rule, **({"matches": _distinct(left)} if rule.get("matches") else {})})
    return kept


def _stripped(match: Mapping[str, Any], header: str) -> Manifest:
    headers = [h for h in match.get("headers") or [] if h.get("name", "").lower() != header.lower()]
    rest = {key: value for key, value in match.items() if key != "headers"}
    return {**rest, **({"headers": headers} if headers else {})}


def _distinct(matches: list[Manifest]) -> list[Manifest]:
    found: list[Manifest] = []
    for each in matches:
        if each not in found:
            found.append(each)
    return found


def _with_adapters(service: Service, rule: Manifest) -> Manifest:
    """The rule with its header matches once more for each adapter."""
    base = f"publishers/{service.namespace}/models/{service.spec['model'].get('name', '')}"
    matches = list(rule.get("matches") or [])
    header = service.platform.model_header.lower()
    more = []
    for name, _ in service.adapters:
        value = f"publishers/{service.namespace}/models/{name}"
        for match in matches:
            headers = match.get("headers") or []
            if any(h.get("name", "").lower() == header and h.get("value") == base for h in headers):
                changed = [
                    {**h, "value": value} if h.get("name", "").lower() == header else h
                    for h in headers
                ]
                more.append({**match, "headers": changed})
    return {**rule, "matches": [*matches, *more]} if more else rule
