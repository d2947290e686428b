"""C544, C545, C548: what a model says of its requests: rewrites, weights, headers and paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.routes import BASE_MODEL_HEADER, MODEL_HEADER, backends, is_abroad
from modelmill.variant import Variant

READS = (
    "environment model routing.gateway routing.rewrites routing.route routing.scheduler.config "
    "routing.split"
)
# Gateway API: backends of a rule, and targets of a ReferenceGrant, both as CRDs limit them.
MOST_BACKENDS = 16
MODEL_HEADERS = (BASE_MODEL_HEADER.lower(), MODEL_HEADER.lower())
ROUTE = ("routing", "route")


def check(variant: Variant) -> Iterable[Diagnostic]:
    yield from _rewrites(variant)
    yield from _split(variant)
    yield from _route(variant)


def _rewrites(variant: Variant) -> Iterable[Diagnostic]:
    rewrites, place = variant.routing.rewrites, ("routing", "rewrites")
    known = (variant.spec.model.name, *variant.spec.model.adapters)
    if rewrites and variant.scheduler is None:
        message = "`rewrites` are the endpoint picker's, and there is none"
        hint = "extend a routing profile, or set `routing.scheduler.config`"
        yield error("C544", message, variant.key_span_of(*place), hint)
    for name, targets in rewrites.items():
        if not any(targets.values()):
            message = f"`{name}` stands for nothing: no target has a weight"
            hint = "give at least one of them a weight: {sql-v1: 90, sql-v2: 10}"
            yield error("C544", message, variant.key_span_of(*place, name), hint)
        for target in targets:
            if target not in known:
                hint = did_you_mean(target, known) or "declare it under `model.adapters`"
                message = f"`{target}` is neither an adapter of the model nor its name"
                yield error("C544", message, variant.key_span_of(*place, name, target), hint)


def _split(variant: Variant) -> Iterable[Diagnostic]:
    split, place = variant.routing.split, ("routing", "split")
    if split and variant.gateway is None:
        message = "`split` is of a route, and the model has none"
        hint = "set `routing.gateway.name`, or leave the weights to another"
        yield error("C545", message, variant.key_span_of(*place), hint)
    if split and variant.name not in split:
        message = f"`split` does not say how many requests stay with `{variant.name}`"
        hint = f"add `{variant.name}: 0`, or another weight"
        yield error("C545", message, variant.key_span_of(*place), hint)
    elif split:
        yield from _weights(variant, split, place)
    for key, rule in variant.route.rules.items():
        if rule.split:
            yield from _weights(variant, rule.split, (*ROUTE, "rules", key, "split"))
    if is_abroad(variant) and len(backends(variant)) > MOST_BACKENDS:
        message = f"the route leads to {len(backends(variant))} models of another namespace, and a "
        message += f"ReferenceGrant names at most {MOST_BACKENDS}"
        yield error("C545", message, variant.span_of(*ROUTE, "namespace"), "take some out")


def _weights(
    variant: Variant, split: Mapping[str, int], place: tuple[str, ...]
) -> Iterable[Diagnostic]:
    span = variant.key_span_of(*place)
    if not any(split.values()):
        yield error("C545", "all weights are 0: no request is answered", span, "raise one of them")
    if len(split) > MOST_BACKENDS:
        message = f"requests are split over {len(split)} models, and a rule has at most "
        yield error("C545", f"{message}{MOST_BACKENDS} backends", span, "take some out")


def _route(variant: Variant) -> Iterable[Diagnostic]:
    route = variant.route
    rewrites: dict[tuple[str, ...], str | None] = {ROUTE: route.path_rewrite}
    for key, rule in route.rules.items():
        rewrites[*ROUTE, "rules", key] = rule.path_rewrite
    for place, rewrite in rewrites.items():
        if rewrite is not None and not rewrite.startswith("/"):
            message = f"`pathRewrite` must be an absolute path, not `{rewrite}`"
            span = variant.span_of(*place, "pathRewrite")
            yield error("C548", message, span, "for example /")
    yield from _spellings(variant, route.headers, (*ROUTE, "headers"))
    for key, rule in route.rules.items():
        yield from _spellings(variant, rule.headers, (*ROUTE, "rules", key, "headers"))
        added = (*ROUTE, "rules", key, "requestHeaders")
        yield from _spellings(variant, rule.request_headers, added)
    for header in route.headers if route.match_model is not None else ():
        if header.lower() in MODEL_HEADERS:
            span = variant.key_span_of(*ROUTE, "headers", header)
            message = f"`{header}` is what `matchModel` asks for"
            yield error("C548", message, span, "leave out one of them")


def _spellings(
    variant: Variant, headers: Mapping[str, str], place: tuple[str, ...]
) -> Iterable[Diagnostic]:
    """Names of headers know no case: a Gateway goes by the first of two."""
    seen: dict[str, str] = {}
    for header in headers:
        first = seen.setdefault(header.lower(), header)
        if first != header:
            message = f"`{header}` is the header `{first}`, which stands here already"
            span = variant.key_span_of(*place, header)
            yield error("C548", message, span, "leave out one of them")
