"""The HTTPRoutes of a model as their specifications: what Gateway API's fields say of its rules.

In: a variant with a Gateway. Out: one specification a route. Server-side defaults (group, kind,
weight) are written out, or Argo CD reports drift. A rule of older Gateway APIs has at most 8
matches, and one that rewrites the path exactly one: names past them go into further rules, and past
the 16 rules of a route into further routes. Requests for one name are all in one route, where order
decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelmill.containers import Manifest, given
from modelmill.names import child_name
from modelmill.routes import (
    OBJECTIVE_HEADER,
    Name,
    Rule,
    backend_kind,
    backend_name,
    gateway_namespace,
    is_abroad,
    objective_name,
    requested_names,
    route_namespace,
    rules,
)
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

MATCHES_OF_A_RULE = 8
RULES_OF_A_ROUTE = 16


class Places(NamedTuple):
    """The namespaces that a route says: its Gateway's, its own, and that of what it leads to. None
    where one goes without saying."""

    gateway: str | None
    route: str | None
    model: str | None


def places_of(variant: Variant) -> Places:
    gateway, route = gateway_namespace(variant), route_namespace(variant)
    assert variant.gateway is not None
    elsewhere = gateway if gateway != route else None
    said = (route, variant.namespace) if is_abroad(variant) else (None, None)
    return Places(variant.gateway.namespace or elsewhere, *said)


def route_specs(variant: Variant) -> list[Manifest]:
    """The specifications, the one that is named like the model first."""
    return specs_at(variant, places_of(variant))


def specs_at(variant: Variant, places: Places) -> list[Manifest]:
    # GKE's gateways refuse a timeout: a GCPBackendPolicy has it.
    is_timed = variant.gateway_provider != "gke"
    parent = _parent(variant, places)
    return [
        {
            "parentRefs": [parent],
            **given(hostnames=list(variant.route.hostnames)),
            "rules": listed,
        }
        for listed in _listed(variant, places.model, is_timed)
    ]


@shared(*OUTSIDE, *INSIDE, *PODS)
def _listed(variant: Variant, namespace: str | None, is_timed: bool) -> list[list[Manifest]]:
    """The rules of each route. `namespace`: of what they lead to, if it is said."""
    return [
        [
            _manifest(variant, rule, group, namespace, is_timed=is_timed)
            for rule in rules(variant)
            for group in _groups(rule, part)
        ]
        for part in _parts(variant)
    ]


def _parent(variant: Variant, places: Places) -> Manifest:
    gateway = variant.gateway
    assert gateway is not None
    return given(
        group="gateway.networking.k8s.io",
        kind="Gateway",
        namespace=places.gateway,
        name=gateway.name,
        sectionName=gateway.section_name,
    )


def _parts(variant: Variant) -> list[list[Name]]:
    """The names of each route."""
    names = list(requested_names(variant))
    if len(names) == 1:
        return [names]
    parts: list[list[Name]] = [[]]
    for name in names:
        wider = [*parts[-1], name]
        size = sum(len(list(_groups(rule, wider))) for rule in rules(variant))
        if parts[-1] and size > RULES_OF_A_ROUTE:
            parts.append([name])
        else:
            parts[-1] = wider
    return parts


def _groups(rule: Rule, part: Sequence[Name]) -> Iterator[list[Name]]:
    """The names of each rule: those that ask for the same objective, as many as one may have."""
    size = 1 if rule.rewrite is not None else MATCHES_OF_A_RULE
    alike: dict[str | None, list[Name]] = {}
    for name in part:
        alike.setdefault(rule.objective or name.objective, []).append(name)
    for found in alike.values():
        yield from (found[start : start + size] for start in range(0, len(found), size))


def _manifest(
    variant: Variant, rule: Rule, group: Sequence[Name], namespace: str | None, *, is_timed: bool
) -> Manifest:
    objective = rule.objective or group[0].objective
    # A picker knows the objectives of its own pool, so each model's requests get its own.
    is_shared = list(rule.split) != [variant.name]
    added = dict(rule.added)
    if objective is not None and not is_shared:
        added[OBJECTIVE_HEADER] = objective_name(variant, objective)
    filters = _header_filters(added)
    if rule.rewrite is not None:
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rule.rewrite}
        filters.append({"type": "URLRewrite", "urlRewrite": {"path": path}})
    return {
        "matches": [_match(rule, name) for name in group],
        **given(filters=filters),
        "backendRefs": [
            _backend(variant, name, weight, objective if is_shared else None, namespace)
            for name, weight in sorted(rule.split.items())
        ],
        **given(timeouts=given(request=rule.timeout if is_timed else None)),
    }


def _match(rule: Rule, name: Name) -> Manifest:
    wanted = {**rule.headers, **name.headers}
    return given(
        path={"type": "PathPrefix", "value": rule.path},
        headers=[{"type": "Exact", "name": k, "value": v} for k, v in sorted(wanted.items())],
    )


def _header_filters(added: dict[str, str]) -> list[Manifest]:
    listed = [{"name": name, "value": value} for name, value in sorted(added.items())]
    modifier = {"set": listed}
    return [{"type": "RequestHeaderModifier", "requestHeaderModifier": modifier}] if listed else []


def _backend(
    variant: Variant, name: str, weight: int, objective: str | None, namespace: str | None
) -> Manifest:
    group, kind = backend_kind(variant)
    added = {}
    if objective is not None:
        is_own = name == variant.name
        of_it = objective_name(variant, objective) if is_own else child_name(name, objective)
        added[OBJECTIVE_HEADER] = of_it
    return {
        "group": group,
        "kind": kind,
        **given(namespace=namespace),
        "name": backend_name(variant, name),
        **given(port=variant.routing.port if kind == "Service" else None),
        "weight": weight,
        **given(filters=_header_filters(added)),
    }
