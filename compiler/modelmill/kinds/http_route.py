"""HTTPRoute from a Gateway to the model's pool, or to its Service where there is no picker.

Only where `routing.gateway` names a Gateway. Server-side defaults (group, kind, weight) are written
out, or Argo CD reports drift. A rule of older Gateway APIs has at most 8 matches: names past them
go into further rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.adapters import names_served
from modelmill.containers import Manifest, given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

# Headers that the inference payload processor sets: from the ConfigMaps of names, and as the body
# has it (llm-d/llm-d-inference-payload-processor).
BASE_MODEL_HEADER = "X-Gateway-Base-Model-Name"
MODEL_HEADER = "X-Gateway-Model-Name"
MATCHES_OF_A_RULE = 8


def emit(variant: Variant) -> Iterable[Resource]:
    gateway, route = variant.routing.gateway, variant.route
    if gateway is None:
        return
    metadata = route.metadata
    parent = given(
        group="gateway.networking.k8s.io",
        kind="Gateway",
        namespace=gateway.namespace,
        name=gateway.name,
        sectionName=gateway.section_name,
    )
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    matches = [_match(variant, headers) for headers in _model_headers(variant)]
    groups = [
        matches[start : start + MATCHES_OF_A_RULE]
        for start in range(0, len(matches), MATCHES_OF_A_RULE)
    ]
    yield resource(
        variant.versions.apis["HTTPRoute"],
        "HTTPRoute",
        variant.name,
        labels=names.labels(variant.name, "model", labels),
        annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
        spec={
            "parentRefs": [parent],
            **given(hostnames=list(route.hostnames)),
            "rules": [_rule(variant, group) for group in groups],
        },
    )


def _model_headers(variant: Variant) -> list[dict[str, str]]:
    """The header that tells the model, one for each match."""
    if variant.route.match_model == "base-model":
        return [{BASE_MODEL_HEADER: variant.spec.model.name}]
    if variant.route.match_model == "model-name":
        return [{MODEL_HEADER: name} for name, _ in names_served(variant)]
    return [{}]


def _match(variant: Variant, headers: dict[str, str]) -> Manifest:
    route = variant.route
    wanted = {**route.headers, **headers}
    return given(
        path={"type": "PathPrefix", "value": route.path},
        headers=[{"type": "Exact", "name": k, "value": v} for k, v in sorted(wanted.items())],
    )


def _rule(variant: Variant, matches: list[Manifest]) -> Manifest:
    route = variant.route
    filters = []
    if route.path_rewrite is not None:
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": route.path_rewrite}
        filters.append({"type": "URLRewrite", "urlRewrite": {"path": path}})
    split = variant.routing.split or {variant.name: 1}
    return {
        "matches": matches,
        **given(filters=filters),
        "backendRefs": [_backend(variant, name, weight) for name, weight in sorted(split.items())],
        **given(timeouts=given(request=route.timeout)),
    }


def _backend(variant: Variant, name: str, weight: int) -> Manifest:
    """A model's pool or Service: both are named like it, and others of a split are as this one is
    (`checks.splits`)."""
    if variant.scheduler is None:
        port = variant.routing.port
        return {"group": "", "kind": "Service", "name": name, "port": port, "weight": weight}
    group, _, _ = variant.versions.apis["InferencePool"].rpartition("/")
    return {"group": group, "kind": "InferencePool", "name": name, "weight": weight}
