"""What one variant is known by to rules that compare variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from modelmill.adapters import names_served
from modelmill.diagnostics import Span
from modelmill.resource import Resource
from modelmill.variant import Variant

NAME = ("model", "name")
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


class Selected(NamedTuple):
    """A workload that was adopted with the labels it knows its pods by, and all its pods have."""

    workload: str
    labels: Mapping[str, str]
    pod_labels: Mapping[str, str]
    span: Span


class Split(NamedTuple):
    """A model that a route sends a part of its requests to."""

    model: str
    weight: int
    span: Span


class Scaled(NamedTuple):
    """A workload and the scaler that sets its number of pods: kind and name of each."""

    workload: tuple[str, str]
    scaler: tuple[str, str]
    span: Span


class Facts(NamedTuple):
    """A model in an environment, as other models of that environment may collide with it.

    place      cluster and namespace
    objects    kind, name and namespace of each object
    gateway    cluster, namespace and name of the Gateway its route attaches to
    matches    what the route answers to: host names, path, headers, listener
    by_name    whether the route tells the model's requests by a name in a header too
    names      what requests may ask for: the model's name, its adapters', those of rewrites
    adopted    workloads with selectors of their own
    backend    kind and port of what a route to the model leads to
    split      the models its route splits requests over
    scaled     workloads with their scalers
    """

    model: str
    environment: str
    place: tuple[str, str]
    objects: tuple[tuple[str, str, str], ...]
    served_name: str
    gateway: tuple[str, str, str] | None
    matches: tuple[object, ...]
    model_span: Span
    name_span: Span
    place_span: Span
    route_span: Span
    adopted: tuple[Selected, ...] = ()
    by_name: bool = False
    names: tuple[tuple[str, Span], ...] = ()
    backend: tuple[str, int] = ("Service", 0)
    split: tuple[Split, ...] = ()
    scaled: tuple[Scaled, ...] = ()


def facts_of(variant: Variant, resources: Sequence[Resource]) -> Facts:
    overlay = variant.overlay
    assert overlay is not None
    gateway, route = variant.routing.gateway, variant.route
    cluster, namespace = overlay.record.cluster or overlay.name, overlay.record.namespace
    where = (cluster, gateway.namespace or namespace, gateway.name) if gateway else None
    listener = gateway.section_name if gateway else None
    return Facts(
        model=variant.name,
        environment=overlay.name,
        place=(cluster, namespace),
        objects=tuple(
            (r.kind, r.name, r.body["metadata"].get("namespace", namespace)) for r in resources
        ),
        served_name=variant.spec.model.name,
        gateway=where,
        matches=(
            tuple(sorted(route.hostnames)),
            route.path,
            tuple(sorted(route.headers.items())),
            listener,
        ),
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
        by_name=route.match_model is not None,
        names=tuple(
            (name, (variant.span_of if place == NAME else variant.key_span_of)(*place))
            for name, place in names_served(variant)
        ),
        backend=("InferencePool", 0) if variant.scheduler else ("Service", variant.routing.port),
        split=tuple(
            Split(name, weight, variant.key_span_of("routing", "split", name))
            for name, weight in variant.routing.split.items()
        ),
        scaled=tuple(_scaled(variant)),
    )


def _scaled(variant: Variant) -> Iterator[Scaled]:
    for key, body in variant.spec.extra_objects.items():
        spec = body.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, Mapping) else None
        if body["kind"] in SCALERS and isinstance(target, Mapping):
            # KEDA's scales a Deployment unless it says another kind.
            workload = (str(target.get("kind", "Deployment")), str(target.get("name")))
            scaler = (str(body["kind"]), str(body["metadata"]["name"]))
            yield Scaled(workload, scaler, variant.key_span_of("extraObjects", key))
