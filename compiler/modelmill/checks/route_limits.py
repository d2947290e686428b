"""C548: a route asks for no more than an HTTPRoute can hold.

Limits and patterns: the Gateway API's CustomResourceDefinition of HTTPRoutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, error
from modelmill.routes import OBJECTIVE_HEADER, rules
from modelmill.variant import Variant

READS = "model routing.objectives routing.rewrites routing.route routing.split"
CODE = "C548"
ROUTE = ("routing", "route")
MOST_HOSTNAMES = 16
MOST_HEADERS = 16
LONGEST_VALUE = 4096

Place = tuple[str, ...]


def check(variant: Variant) -> Iterable[Diagnostic]:
    route = variant.route
    if len(route.hostnames) > MOST_HOSTNAMES:
        message = f"the route answers to {len(route.hostnames)} host names, and may have "
        span = variant.key_span_of(*ROUTE, "hostnames")
        yield error(CODE, f"{message}{MOST_HOSTNAMES}", span, "take some out")
    if route.path_rewrite is not None:
        yield from _rewrite(variant, route.path_rewrite, (*ROUTE, "pathRewrite"))
    yield from _values(variant, route.headers, (*ROUTE, "headers"))
    for key, rule in route.rules.items():
        place = (*ROUTE, "rules", key)
        if rule.path_rewrite is not None:
            yield from _rewrite(variant, rule.path_rewrite, (*place, "pathRewrite"))
        yield from _values(variant, rule.headers, (*place, "headers"))
        yield from _values(variant, rule.request_headers, (*place, "requestHeaders"))
        # Another one is the objective's.
        given = len({*map(str.lower, rule.request_headers), *_objective(rule.objective)})
        if given > MOST_HEADERS:
            message = f"the rule `{key}` gives requests {given} headers, and may give "
            span = variant.key_span_of(*place, "requestHeaders")
            yield error(CODE, f"{message}{MOST_HEADERS}", span, "take some out")
    yield from _asked(variant)


def _objective(name: str | None) -> Iterable[str]:
    return [OBJECTIVE_HEADER] if name is not None else []


def _rewrite(variant: Variant, path: str, place: Place) -> Iterable[Diagnostic]:
    if path.startswith("/") and ("?" in path or "#" in path):
        message = f"`pathRewrite` is a path alone, not `{path}`"
        yield error(CODE, message, variant.span_of(*place), "for example /")


def _values(variant: Variant, headers: Mapping[str, str], place: Place) -> Iterable[Diagnostic]:
    for name, value in headers.items():
        span = variant.span_of(*place, name)
        if not value:
            yield error(CODE, f"`{name}` has no value", span, "say which, or take it out")
        elif len(value) > LONGEST_VALUE:
            message = f"the value of `{name}` has {len(value)} characters, and may have "
            yield error(CODE, f"{message}{LONGEST_VALUE}", span)


def _asked(variant: Variant) -> Iterable[Diagnostic]:
    """The header that tells the model is one of those a match may have."""
    own = 1 if variant.route.match_model is not None else 0
    *further, rest = rules(variant)
    if len(rest.headers) + own > MOST_HEADERS:
        message = f"the route asks for {len(rest.headers) + own} headers, and may ask for "
        span = variant.key_span_of(*ROUTE, "headers")
        yield error(CODE, f"{message}{MOST_HEADERS}", span, "take some out")
        return
    for rule in further:
        if len(rule.headers) + own > MOST_HEADERS:
            message = f"the rule `{rule.key}` and its route ask for {len(rule.headers) + own} "
            message += f"headers, and may ask for {MOST_HEADERS}"
            span = variant.key_span_of(*ROUTE, "rules", rule.key, "headers")
            yield error(CODE, message, span, "take some out")
