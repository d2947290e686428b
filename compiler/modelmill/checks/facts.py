"""What one variant is known by to rules that compare variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from modelmill.adapters import names_served
from modelmill.diagnostics import Span
from modelmill.pod_security import Level, needed, templates_of
from modelmill.record import EMPTY
from modelmill.resource import Resource
from modelmill.routes import (
    Rule,
    gateway_namespace,
    objective_name,
    requested_names,
    rules,
    without_slash,
)
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

NAME = ("model", "name")
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
KEDA_MADE = "keda-hpa-{}"
KEDA_NAMES = ("advanced", "horizontalPodAutoscalerConfig", "name")
"""Name of the HorizontalPodAutoscaler KEDA makes of a ScaledObject, and where that says so."""


class Selected(NamedTuple):
    """A workload that was adopted with the labels it knows its pods by, and all its pods have."""

    workload: str
    labels: Mapping[str, str]
    pod_labels: Mapping[str, str]
    span: Span


class Match(NamedTuple):
    """What a rule of a route asks for, beside the model's name. "" is any host; names of headers
    are in lower case."""

    host: str
    path: str
    headers: tuple[tuple[str, str], ...]


class Split(NamedTuple):
    """A model that a route sends a part of its requests to, and their objectives, by key."""

    model: str
    weight: int
    span: Span
    objectives: tuple[str, ...] = ()


class Scaled(NamedTuple):
    """A workload and the scaler that sets its number of pods: kind and name of each. `made` is the
    HorizontalPodAutoscaler that KEDA makes of it, "" of others; `served` who must serve the
    cluster's external metrics to it, "" where none of ours are asked."""

    workload: tuple[str, str]
    scaler: tuple[str, str]
    span: Span
    made: str = ""
    served: Literal["KEDA", "a metrics adapter", ""] = ""


class Replicas(NamedTuple):
    """A number of replicas in the model's own file, and the scaler that is in its way."""

    role: str
    span: Span
    scaler: Span | None


class Facts(NamedTuple):
    """A model in an environment, as other models of that environment may collide with it.

    place      cluster and namespace
    objects    kind, name and namespace of each object
    gateway    cluster, namespace and name of the Gateway its route attaches to
    section    the listener of it
    provider   whose implementation it is
    matches    what each rule of the route answers to, and where that is written
    by_name    whether the route tells the model's requests by a name in a header too
    names      what requests may ask for: the model's name, its adapters', those of rewrites
    adopted    workloads with selectors of their own
    backend    kind and port of what a route to the model leads to
    split      the models its route splits requests over
    objectives names of its InferenceObjectives, by key
    scaled     workloads with their scalers
    replicas   numbers of replicas
    pod_security  the strictest standard that takes its pods, of a model that is exempt from one
    """

    model: str
    environment: str
    place: tuple[str, str]
    objects: tuple[tuple[str, str, str], ...]
    served_name: str
    gateway: tuple[str, str, str] | None
    section: str | None
    matches: tuple[tuple[Match, Span], ...]
    model_span: Span
    name_span: Span
    place_span: Span
    route_span: Span
    adopted: tuple[Selected, ...] = ()
    by_name: bool = False
    names: tuple[tuple[str, Span], ...] = ()
    backend: tuple[str, int] = ("Service", 0)
    split: tuple[Split, ...] = ()
    provider: str | None = None
    objectives: Mapping[str, str] = EMPTY
    scaled: tuple[Scaled, ...] = ()
    replicas: tuple[Replicas, ...] = ()
    pod_security: Level | None = None


def facts_of(variant: Variant, resources: Sequence[Resource]) -> Facts:
    overlay = variant.overlay
    assert overlay is not None
    cluster, namespace = overlay.record.cluster or overlay.name, overlay.record.namespace
    gateway = variant.gateway
    where = (cluster, gateway_namespace(variant) or "", gateway.name or "") if gateway else None
    made = Facts(
        model=variant.name,
        environment=overlay.name,
        place=(cluster, namespace),
        objects=tuple(
            (r.kind, r.name, r.body["metadata"].get("namespace", namespace)) for r in resources
        ),
        served_name=variant.spec.model.name,
        gateway=where,
        section=gateway.section_name if gateway else None,
        matches=tuple(_matches(variant)),
        model_span=variant.model.span,
        name_span=variant.span_of("model", "name"),
        place_span=overlay.node.nearest("namespace").span,
        route_span=variant.span_of("routing", "gateway"),
        adopted=tuple(
            Selected(
                variant.workload_name(key),
                role.selector,
                {**(role.pod.labels if role.pod else {}), **role.selector},
                variant.key_span_of("roles", key, "selector"),
            )
            for key, role in variant.roles.items()
            if role.selector
        ),
        by_name=variant.route.match_model is not None,
        names=tuple(
            (name, (variant.span_of if place == NAME else variant.key_span_of)(*place))
            for name, place in names_served(variant)
        ),
        backend=("InferencePool", 0) if variant.scheduler else ("Service", variant.routing.port),
        split=tuple(part for rule in rules(variant) for part in _split(variant, rule)),
        pod_security=_pod_security(variant, resources),
        scaled=(*_declared(variant), *_scaled(variant)),
        replicas=tuple(_replicas(variant)),
        provider=variant.gateway_provider,
        objectives={key: objective_name(variant, key) for key in variant.routing.objectives},
    )
    # What is said of every environment is kept, and sent between processes, once.
    first = variant.once(("facts",), lambda: made)
    return Facts._make(a if a == b else b for a, b in zip(first, made, strict=True))


def meet(one: Facts, other: Facts) -> bool:
    """Whether routes to the same Gateway are on the same listener of it: one that names none is on
    all."""
    return None in (one.section, other.section) or one.section == other.section


def _matches(variant: Variant) -> Iterator[tuple[Match, Span]]:
    for rule in reversed(rules(variant)):
        headers = {name.lower(): value for name, value in rule.headers.items()}
        span = variant.span_of("routing", "gateway")
        if rule.key:
            span = variant.key_span_of("routing", "route", "rules", rule.key)
        for host in variant.route.hostnames or ("",):
            yield Match(host, without_slash(rule.path), tuple(sorted(headers.items()))), span


def _split(variant: Variant, rule: Rule) -> Iterator[Split]:
    """The models beside this one that a rule leads to."""
    others = [(name, weight) for name, weight in rule.split.items() if name != variant.name]
    if not others:
        return
    own = ("routing", "route", "rules", rule.key, "split")
    place = own if variant.tree.get(*own) is not None else ("routing", "split")
    wanted = [rule.objective or name.objective for name in requested_names(variant)]
    objectives = tuple(sorted({each for each in wanted if each is not None}))
    for name, weight in others:
        yield Split(name, weight, variant.key_span_of(*place, name), objectives)


def _declared(variant: Variant) -> Iterator[Scaled]:
    """What `autoscaling` makes."""
    if not any(role.autoscaling for role in variant.roles.values()):
        return
    from modelmill import autoscaling

    for key, role in variant.roles.items():
        scaling = role.autoscaling
        kind = autoscaling.scaler_kind(scaling) if scaling else None
        if scaling is None or kind is None:
            continue
        workload, name = autoscaling.target(variant, key), autoscaling.scaler_name(variant, key)
        is_keda = kind == autoscaling.SCALED_OBJECT
        asks = scaling.by == "wva" or bool(scaling.triggers)
        yield Scaled(
            (workload.kind, workload.name),
            (kind, name),
            variant.key_span_of("roles", key, "autoscaling"),
            made=KEDA_MADE.format(name) if is_keda else "",
            served="KEDA" if is_keda else "a metrics adapter" if asks else "",
        )


def _replicas(variant: Variant) -> Iterator[Replicas]:
    for key, role in variant.roles.items():
        node = variant.tree.get("roles", key, "replicas")
        if node is not None and node.span.path == variant.model.path:
            by = variant.span_of("roles", key, "autoscaling", "by") if role.autoscaling else None
            yield Replicas(key, node.span, by)


def _scaled(variant: Variant) -> Iterator[Scaled]:
    """What further objects scale."""
    for key, body in variant.spec.extra_objects.items():
        spec = body.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, Mapping) else None
        if body["kind"] in SCALERS and isinstance(target, Mapping):
            # KEDA's scales a Deployment unless it says another kind.
            workload = (str(target.get("kind", "Deployment")), str(target.get("name")))
            scaler = (str(body["kind"]), str(body["metadata"]["name"]))
            named = variant.tree.get("extraObjects", key, "spec", *KEDA_NAMES)
            made = str(named.value) if named else KEDA_MADE.format(scaler[1])
            span = variant.key_span_of("extraObjects", key)
            yield Scaled(workload, scaler, span, made if scaler[0] == "ScaledObject" else "")


def _pod_security(variant: Variant, resources: Sequence[Resource]) -> Level | None:
    assert variant.overlay is not None
    if variant.name not in variant.overlay.record.pod_security_exemptions:
        return None
    own = variant.namespace
    here = [r for r in resources if r.body["metadata"].get("namespace", own) == own]
    return needed([template for each in here for _, template in templates_of(each)])
