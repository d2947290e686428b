"""C544, C545, C548: what a model says of its requests: rewrites, weights, headers and paths."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.adapters import names_served
from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.variant import Variant

# Gateway API: backends of a rule, and matches of a route, both as its CRD limits them.
MOST_BACKENDS = 16
MOST_MATCHES = 128
MODEL_HEADERS = ("x-gateway-base-model-name", "x-gateway-model-name")


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
    split, span = variant.routing.split, variant.key_span_of("routing", "split")
    if not split:
        return
    if variant.routing.gateway is None:
        message = "`split` is of a route, and the model has none"
        yield error("C545", message, span, "set `routing.gateway`, or leave the weights to another")
    if variant.name not in split:
        message = f"`split` does not say how many requests stay with `{variant.name}`"
        yield error("C545", message, span, f"add `{variant.name}: 0`, or another weight")
    elif not any(split.values()):
        yield error("C545", "all weights are 0: no request is answered", span, "raise one of them")
    if len(split) > MOST_BACKENDS:
        message = f"requests are split over {len(split)} models, and a rule has at most "
        yield error("C545", f"{message}{MOST_BACKENDS} backends", span, "take some out")


def _route(variant: Variant) -> Iterable[Diagnostic]:
    route, place = variant.route, ("routing", "route")
    rewrite = route.path_rewrite
    if rewrite is not None and not rewrite.startswith("/"):
        message = f"`pathRewrite` must be an absolute path, not `{rewrite}`"
        yield error("C548", message, variant.span_of(*place, "pathRewrite"), "for example /")
    if route.match_model is None:
        return
    for header in route.headers:
        if header.lower() in MODEL_HEADERS:
            span = variant.key_span_of(*place, "headers", header)
            message = f"`{header}` is what `matchModel` asks for"
            yield error("C548", message, span, "leave out one of them")
    names = len(list(names_served(variant)))
    if route.match_model == "model-name" and names > MOST_MATCHES:
        message = f"{names} names are served, and a route has at most {MOST_MATCHES} matches"
        hint = "use `matchModel: base-model`, which needs one match for all of them"
        yield error("C548", message, variant.span_of(*place, "matchModel"), hint)
