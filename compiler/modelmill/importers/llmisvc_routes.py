"""A route of an LLMInferenceService as `routing.gateway` and `routing.route`.

In: `router`. Out: the fields that a route with one rule follows from; None where it is another.
Whether the same comes of them again, a compile shows. The counterpart of `http_routes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.importers.pod_fields import Tree, said
from modelmill.routes import BASE_MODEL_HEADER, MODEL_HEADER
from modelmill.spec.routing import Route

MATCHES = {BASE_MODEL_HEADER: "base-model", MODEL_HEADER: "model-name"}
DEFAULT_TIMEOUT = Route().timeout


def route_of(router: Mapping[str, Any]) -> Tree | None:
    gateway, route = router.get("gateway") or {}, router.get("route") or {}
    refs = gateway.get("refs") or []
    http = route.get("http") or {}
    if (
        set(route) != {"http"}
        or set(http) != {"spec"}
        or set(gateway) != {"refs"}
        or len(refs) != 1
    ):
        return None
    spec = http["spec"]
    rules = spec.get("rules") or []
    if set(spec) - {"hostnames", "rules"} or len(rules) != 1:
        return None
    (rule,) = rules
    matched = _matched(rule.get("matches") or [])
    rewrite = _rewritten(rule.get("filters") or [])
    timeouts = rule.get("timeouts") or {}
    known = {"matches", "filters", "backendRefs", "timeouts"}
    if matched is None or rewrite is None or set(rule) - known or set(timeouts) != {"request"}:
        return None
    timeout = timeouts["request"] if timeouts["request"] != DEFAULT_TIMEOUT else None
    own = {"pathRewrite": rewrite, "timeout": timeout}
    tree = said({"hostnames": spec.get("hostnames"), **matched, **own})
    return {"gateway": dict(refs[0]), **({"route": tree} if tree else {})}


def _matched(matches: Sequence[Mapping[str, Any]]) -> Tree | None:
    """What all matches ask for; they may differ in the model alone."""
    paths, headers, models = set[str](), list[dict[str, str]](), set[str]()
    for each in matches:
        path = each.get("path") or {}
        if set(each) - {"path", "headers"} or path.get("type") != "PathPrefix":
            return None
        asked = {h["name"]: h["value"] for h in each.get("headers") or []}
        if any(h.get("type", "Exact") != "Exact" for h in each.get("headers") or []):
            return None
        models |= {MATCHES[name] for name in asked if name in MATCHES}
        headers.append({name: value for name, value in asked.items() if name not in MATCHES})
        paths.add(path["value"])
    if len(paths) != 1 or len(models) > 1 or any(each != headers[0] for each in headers):
        return None
    path = paths.pop()
    return said(
        {
            "path": path if path != "/" else None,
            "headers": headers[0],
            "matchModel": models.pop() if models else None,
        }
    )


def _rewritten(filters: Sequence[Mapping[str, Any]]) -> str | None:
    """What the path becomes, "" where it stays; None where requests are changed otherwise."""
    if not filters:
        return ""
    path = (filters[0].get("urlRewrite") or {}).get("path") or {}
    only = {"type": "URLRewrite", "urlRewrite": {"path": path}}
    is_prefix = set(path) == {"type", "replacePrefixMatch"} and path["type"] == "ReplacePrefixMatch"
    return str(path["replacePrefixMatch"]) if list(filters) == [only] and is_prefix else None
