"""C561: each further rule of a route answers requests that no other rule of it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.routes import (
    BASE_MODEL_HEADER,
    MODEL_HEADER,
    OBJECTIVE_HEADER,
    is_below,
    without_slash,
)
from modelmill.spec.routing import RouteRule
from modelmill.variant import Variant

READS = (
    "environment model routing.gateway routing.objectives routing.rewrites routing.route "
    "routing.split"
)
PLACE = ("routing", "route", "rules")
# Gateway API: 16 rules of a route, one of which is for all other requests.
MOST_RULES = 15
MODEL_HEADERS = (BASE_MODEL_HEADER.lower(), MODEL_HEADER.lower())


def check(variant: Variant) -> Iterable[Diagnostic]:
    rules = variant.route.rules
    if len(rules) > MOST_RULES:
        message = f"the route has {len(rules)} further rules, and may have {MOST_RULES}"
        yield error("C561", message, variant.key_span_of(*PLACE), "unite some of them")
    for key, rule in rules.items():
        yield from _conditions(variant, key, rule)
        yield from _reached(variant, key, rule)
        yield from _given(variant, key, rule)


def _conditions(variant: Variant, key: str, rule: RouteRule) -> Iterable[Diagnostic]:
    """A rule narrows what the route asks for; it cannot ask for something else."""
    route, place = variant.route, (*PLACE, key)
    if rule.path is not None and not is_below(rule.path, route.path):
        message = f"requests for `{rule.path}` do not have the route's own path `{route.path}`"
        hint = f"begin with it: {route.path.rstrip('/')}{rule.path}"
        yield error("C561", message, variant.span_of(*place, "path"), hint)
    own = _folded(route.headers)
    for header, value in rule.headers.items():
        span = variant.key_span_of(*place, "headers", header)
        if own.get(header.lower(), value) != value:
            message = f"the route itself asks for another `{header}`: `{own[header.lower()]}`"
            yield error("C561", message, span, "leave out one of them")
        elif route.match_model is not None and header.lower() in MODEL_HEADERS:
            message = f"`{header}` is what `matchModel` asks for"
            yield error("C561", message, span, "leave out one of them")


def _reached(variant: Variant, key: str, rule: RouteRule) -> Iterable[Diagnostic]:
    """What matches alike is answered by the rule that stands first."""
    span = variant.key_span_of(*PLACE, key)
    if _matched(variant, rule) == _matched(variant, RouteRule()):
        message = f"the rule `{key}` matches all requests of the route"
        yield error("C561", message, span, "give it `headers` or a `path` of its own")
        return
    for first, other in variant.route.rules.items():
        if first == key:
            return
        if _matched(variant, other) == _matched(variant, rule):
            message = f"the rules `{first}` and `{key}` match the same requests"
            note = Note(f"`{first}` is here", variant.key_span_of(*PLACE, first))
            yield error("C561", message, span, "give one of them another condition", [note])
            return


def _given(variant: Variant, key: str, rule: RouteRule) -> Iterable[Diagnostic]:
    """What requests get, and for how long."""
    place = (*PLACE, key)
    for header in rule.request_headers if rule.objective is not None else ():
        if header.lower() == OBJECTIVE_HEADER:
            span = variant.key_span_of(*place, "requestHeaders", header)
            yield error("C561", f"`{header}` is set by `objective`", span, "leave out one of them")
    if rule.timeout is not None and variant.gateway_provider == "gke":
        message = "a GKE Gateway has one timeout for all requests of a model"
        span = variant.span_of(*place, "timeout")
        yield error("C561", message, span, "set `routing.route.timeout` instead")


def _matched(variant: Variant, rule: RouteRule) -> tuple[str, Mapping[str, str]]:
    headers = _folded({**variant.route.headers, **rule.headers})
    return without_slash(rule.path or variant.route.path), headers


def _folded(headers: Mapping[str, str]) -> dict[str, str]:
    """Names of headers know no case."""
    return {name.lower(): value for name, value in headers.items()}
