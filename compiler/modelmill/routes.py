"""The HTTPRoute of a model: where it is, what its rules match, and where they lead.

In: a variant. Out: its rules in the order they are tried, the names that tell its requests from
others', and the namespaces of route and Gateway. Emitters and checks share these.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.adapters import names_served
from modelmill.containers import Manifest
from modelmill.gateways import namespace_of
from modelmill.names import child_name
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.routing import RouteRule
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

# Headers that the inference payload processor sets: from the ConfigMaps of names, and as the body
# has it (llm-d/llm-d-inference-payload-processor).
BASE_MODEL_HEADER = "X-Gateway-Base-Model-Name"
MODEL_HEADER = "X-Gateway-Model-Name"
# By which the endpoint picker knows a request's InferenceObjective (llm-d/llm-d-router,
# pkg/epp/metadata).
OBJECTIVE_HEADER = "x-llm-d-inference-objective"


class Rule(NamedTuple):
    """A rule of the route.

    key         its name; "" for the one that is for all other requests
    headers     what a request must carry, beside the header that tells the model
    split       models by weight
    objective   its key under `routing.objectives`
    added       headers that requests get
    """

    key: str
    path: str
    rewrite: str | None
    headers: Mapping[str, str]
    split: Mapping[str, int]
    objective: str | None
    added: Mapping[str, str]
    timeout: str | None


class Name(NamedTuple):
    """A name by which the route knows the model's requests: the header that has it ({} where all
    requests are the model's), and the objective of those that ask for it."""

    headers: Mapping[str, str]
    objective: str | None = None


@shared(*OUTSIDE, *INSIDE, *PODS)
def rules(variant: Variant) -> tuple[Rule, ...]:
    """The rules, in the order they are tried."""
    further = (_rule(variant, key, rule) for key, rule in variant.route.rules.items())
    return (*further, _rule(variant, "", RouteRule()))


def _rule(variant: Variant, key: str, rule: RouteRule) -> Rule:
    route = variant.route
    said = {name.lower() for name in rule.headers}
    own = {name: value for name, value in route.headers.items() if name.lower() not in said}
    return Rule(
        key,
        rule.path or route.path,
        rule.path_rewrite or _rewritten(variant, rule),
        {**own, **rule.headers},
        rule.split or variant.routing.split or {variant.name: 1},
        rule.objective,
        rule.request_headers,
        rule.timeout or route.timeout,
    )


def _rewritten(variant: Variant, rule: RouteRule) -> str | None:
    """What the rule's prefix becomes where only the route says so: the route's part of it."""
    prefix, rewrite = without_slash(variant.route.path), variant.route.path_rewrite
    if rewrite is None or rule.path is None:
        return rewrite
    return rewrite.rstrip("/") + rule.path[len(prefix) :] or "/"


def is_below(path: str, prefix: str) -> bool:
    """Whether every request for `path` has `prefix`; prefixes end where a part of a path does."""
    return f"{without_slash(path)}/".startswith(f"{without_slash(prefix)}/")


def without_slash(prefix: str) -> str:
    """A prefix as it matches: /v1 and /v1/ are one (Gateway API, PathMatchPathPrefix)."""
    return prefix.rstrip("/")


@shared(*OUTSIDE, *INSIDE, *PODS)
def requested_names(variant: Variant) -> tuple[Name, ...]:
    """The names that the route asks for."""
    if variant.route.match_model == "base-model":
        return (Name({BASE_MODEL_HEADER: variant.spec.model.name}),)
    if variant.route.match_model is None:
        return (Name({}),)
    objectives: dict[tuple[str, ...], str | None] = {
        ("model", "adapters", key): adapter.objective
        for key, adapter in variant.spec.model.adapters.items()
    }
    return tuple(
        Name({MODEL_HEADER: name}, objectives.get(place)) for name, place in names_served(variant)
    )


def backend_kind(variant: Variant) -> tuple[str, str]:
    """API group and kind of what requests are sent to."""
    if variant.scheduler is None:
        return "", "Service"
    return variant.versions.apis["InferencePool"].partition("/")[0], "InferencePool"


def backend_name(variant: Variant, model: str) -> str:
    """What requests for a model of the split are sent to; other models are as this one is
    (`checks.splits`)."""
    has_pool = variant.scheduler is not None
    return variant.pool_name(model) if has_pool else variant.service_name(model)


def backend_ref(variant: Variant) -> Manifest:
    """What a policy about the model's own backend refers to."""
    group, kind = backend_kind(variant)
    return {"group": group, "kind": kind, "name": backend_name(variant, variant.name)}


def backends(variant: Variant) -> list[str]:
    """The models that the route leads to, in order of name."""
    return sorted({name for rule in rules(variant) for name in rule.split})


def objective_name(variant: Variant, key: str) -> str:
    """Name of an InferenceObjective of the model."""
    given = variant.routing.objectives.get(key)
    return (given and given.name) or child_name(variant.name, key)


def route_namespace(variant: Variant) -> str | None:
    """Where the HTTPRoute is; None in the base, whose namespace only environments say."""
    return variant.route.namespace or variant.namespace


def is_abroad(variant: Variant) -> bool:
    """Whether the HTTPRoute is in another namespace than the model."""
    return route_namespace(variant) != variant.namespace


def gateway_namespace(variant: Variant) -> str | None:
    """Where the Gateway is; None in the base, if it is where the route is."""
    gateway, managed = variant.gateway, variant.managed_gateway
    if gateway is not None and gateway.namespace is not None:
        return gateway.namespace
    if managed is not None and variant.overlay is not None:
        return namespace_of(variant.overlay, managed)
    return route_namespace(variant)
