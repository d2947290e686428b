"""C558: what scales a role is told all it needs, and nothing that it does not know.

Sources: the validation of KEDA (kedacore/keda, apis/keda/v1alpha1 and pkg/scalers/authentication),
of HorizontalPodAutoscalers (k8s.io/kubernetes, pkg/apis/autoscaling/validation) and of the scaling
of KServe's LLMInferenceService.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from modelmill import autoscaling
from modelmill.autoscaling import SCALED_OBJECT, scaler_kind, target_type
from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error
from modelmill.names import NAME_LIMIT
from modelmill.shapes import written
from modelmill.spec.autoscaling import Autoscaling, Prometheus
from modelmill.variant import Variant

CODE = "C558"
FIELD = "autoscaling"
COMMON = {"by", "minReplicas", "maxReplicas", "behavior", "name", "metadata"}
SIGNALS = {"triggers", "furtherTriggers", "window"}
WVA = {"variantCost", "actuator"}
KEDA = {"pollingInterval", "cooldownPeriod", "initialCooldownPeriod", "fallback"}
RESTORE = "restoreToOriginalReplicaCount"
KNOWN = {
    "external": {"by"},
    "hpa": COMMON | SIGNALS,
    "keda": COMMON | SIGNALS | KEDA | {RESTORE, "idleReplicas", "scalingModifiers"},
    "wva": COMMON | WVA,
    "wva by keda": COMMON | WVA | KEDA | {RESTORE},
}
"""The fields of each way to scale."""
AUTH_MODES = ("apiKey", "basic", "tls", "bearer", "custom", "oauth")
RIVALS = ("bearer", "basic", "oauth")
"""Ways to ask a Prometheus, and those of which one excludes the others."""
# Of what a HorizontalPodAutoscaler made by KEDA compares, in thousandths.
LEAST_TARGET = Decimal("0.001")


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        scaling = role.autoscaling
        if scaling is None:
            continue
        yield from _fields(variant, key, scaling)
        if scaling.by != "external":
            yield from _bounds(variant, key, scaling)
            yield from _numbers(variant, key, scaling)
            yield from _prometheus(variant, key, scaling)
            yield from _fallback(variant, key, scaling)
            yield from _budget(variant, key, scaling)
            yield from _name(variant, key)
    yield from _together(variant)


def _fields(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    """Fields of another way to scale; what a way needs of its own."""
    place = ("roles", key, FIELD)
    node = variant.tree.get(*place)
    is_keda = scaling.by == "wva" and scaling.actuator == "keda"
    way = "wva by keda" if is_keda else scaling.by
    given = [k for k, each in node.value.items() if each.value is not None] if node else []
    for field in given:
        if field not in KNOWN[way]:
            message = f"`{field}` means nothing where `{key}` is scaled by {way}"
            yield error(CODE, message, variant.key_span_of(*place, field), _way_out(field, way))
    if way in ("hpa", "keda") and not (scaling.triggers or scaling.further_triggers):
        message = f"nothing tells how many replicas `{key}` should have"
        hint = "give a signal: `triggers: {running-requests: {target: 16}}`"
        yield error(CODE, message, variant.key_span_of(*place), hint)
    for name, trigger in scaling.triggers.items() if way == "hpa" else ():
        if trigger.activation is not None:
            span = variant.key_span_of(*place, "triggers", name, "activation")
            message = f"`activation` means nothing where `{key}` is scaled by hpa"
            yield error(CODE, message, span, _way_out("activation", way))


def _way_out(field: str, way: str) -> str:
    if way == "external":
        return "an external scaler is declared elsewhere: take it out, or choose another `by`"
    if field == "scalingModifiers" or (field in SIGNALS and way.startswith("wva")):
        return "wva asks its own signals: take it out, or choose `by: keda`"
    if field == "idleReplicas":
        return "only KEDA goes below `minReplicas`: choose `by: keda`"
    if field in WVA:
        return "it is wva's: take it out, or choose `by: wva`"
    return "it is KEDA's: take it out, or choose " + (
        "`actuator: keda`" if way == "wva" and field in KEDA | {RESTORE} else "`by: keda`"
    )


def _bounds(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    place, least, most = ("roles", key, FIELD), scaling.min_replicas, scaling.max_replicas
    idle = scaling.idle_replicas
    if most is None:
        message = f"the scaler of `{key}` has no upper bound"
        yield error(CODE, message, variant.key_span_of(*place), "set `maxReplicas`")
    elif least > most:
        message = f"`{key}` has at least {least} replicas and at most {most}"
        span = variant.span_of(*place, "maxReplicas")
        yield error(CODE, message, span, f"raise `maxReplicas` to {least} or more")
    if idle:
        # keda.sh/docs, reference/scaledobject-spec: no other number works.
        message = f"`idleReplicas` of `{key}` is {idle}, and KEDA knows 0 alone"
        span = variant.span_of(*place, "idleReplicas")
        yield error(CODE, message, span, "set `idleReplicas: 0`, or `minReplicas` alone")


def _numbers(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    place = ("roles", key, FIELD)
    for name, trigger in scaling.triggers.items():
        if Decimal(trigger.target) < LEAST_TARGET:
            span = variant.span_of(*place, "triggers", name, "target")
            message = f"the target {trigger.target} is less than {LEAST_TARGET}, the least there is"
            yield error(CODE, message, span, "say how much of it one replica takes: 16")
    if scaling.variant_cost is not None and Decimal(scaling.variant_cost) < 0:
        message = f"a replica of `{key}` cannot cost {scaling.variant_cost}"
        yield error(CODE, message, variant.span_of(*place, "variantCost"), "0 or more: 10.0")


def _prometheus(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    if scaler_kind(scaling) != SCALED_OBJECT or not (scaling.by == "wva" or scaling.triggers):
        return
    if scaling.by == "wva" and variant.kserve is not None:
        # KServe's own configuration says which one.
        return
    server = variant.spec.prometheus
    if server is None and variant.overlay is not None:
        # The base need not know: it is an environment's, as its namespace is.
        message = f"KEDA is not told which Prometheus it asks about `{key}`"
        hint = "set `prometheus: {serverAddress: …}` in the environment's `spec`"
        yield error(CODE, message, variant.key_span_of("roles", key, FIELD), hint)
    elif server is not None:
        yield from _address(variant, server)


def _address(variant: Variant, server: Prometheus) -> Iterator[Diagnostic]:
    if not server.server_address.startswith(("http://", "https://")):
        node = variant.tree.nearest("prometheus", "serverAddress")
        message = f"`serverAddress` must be a URL, not {written(node)}"
        yield error(CODE, message, node.span, "for example http://prometheus.monitoring.svc:9090")
    modes = [mode.strip() for mode in (server.auth_modes or "").split(",") if mode.strip()]
    span = variant.span_of("prometheus", "authModes")
    for mode in modes:
        if mode not in AUTH_MODES:
            hint = did_you_mean(mode, AUTH_MODES) or "they are " + ", ".join(AUTH_MODES)
            yield error(CODE, f"KEDA has no `authModes` called `{mode}`", span, hint)
    rivals = [mode for mode in modes if mode in RIVALS]
    if len(rivals) > 1:
        message = (
            f"{' and '.join(f'`{mode}`' for mode in rivals)} of `authModes` exclude each other"
        )
        yield error(CODE, message, span, "keep one of them")
    if modes and server.authentication is None:
        message = f"`authModes: {server.auth_modes}` needs credentials, and there are none"
        hint = "name a TriggerAuthentication: `authentication: {name: …}`"
        yield error(CODE, message, variant.key_span_of("prometheus", "authModes"), hint)


def _fallback(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    """KEDA multiplies a fallback's replicas by the target of one."""
    if scaling.fallback is None or scaling.by != "keda":
        return
    kinds = {target_type(name, trigger) for name, trigger in scaling.triggers.items()}
    for trigger in scaling.further_triggers.values():
        if trigger.get("type") not in autoscaling.RESOURCE_TRIGGERS:
            kinds.add(trigger.get("metricType") or "AverageValue")
    if scaling.scaling_modifiers is not None:
        kinds = {scaling.scaling_modifiers.metric_type or "AverageValue"}
    if kinds and "AverageValue" not in kinds:
        message = f"KEDA has a fallback only where a target of `{key}` is of one replica"
        span = variant.key_span_of("roles", key, FIELD, "fallback")
        yield error(CODE, message, span, "add a trigger of type AverageValue: running-requests")


def _budget(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    budget = variant.roles[key].pod_disruption_budget
    stay = budget.min_available if budget else None
    most = scaling.max_replicas
    if stay is not None and stay.isdigit() and most is not None and int(stay) >= most:
        message = f"{stay} pods of `{key}` must stay, and there are never more than {most}"
        span = variant.span_of("roles", key, "podDisruptionBudget", "minAvailable")
        hint = "no node could ever be drained: use `maxUnavailable: 1`"
        yield error(CODE, message, span, hint)


def _name(variant: Variant, key: str) -> Iterator[Diagnostic]:
    """Both kinds of scalers are told by a label of their name."""
    name = autoscaling.scaler_name(variant, key)
    if len(name) > NAME_LIMIT:
        message = f"the scaler `{name}` of `{key}` is known by a label, and its name is too long"
        own = variant.tree.get("roles", key, FIELD, "name")
        span = own.span if own else variant.key_span_of("roles", key, FIELD)
        yield error(CODE, message, span, f"set `name` to at most {NAME_LIMIT} characters")


def _together(variant: Variant) -> Iterator[Diagnostic]:
    """A cluster has one server of external metrics, and WVA weighs all roles of a model."""
    ways = {
        key: (role.autoscaling.by, scaler_kind(role.autoscaling))
        for key, role in variant.roles.items()
        if role.autoscaling is not None and role.autoscaling.by != "external"
    }
    for key, way in ways.items():
        first = next(iter(ways))
        if way != ways[first]:
            yield error(
                CODE,
                f"`{key}` and `{first}` are scaled in different ways",
                variant.span_of("roles", key, FIELD, "by"),
                "use the same `by` and `actuator` for all roles of a model",
                [Note(f"`{first}` is scaled here", variant.span_of("roles", first, FIELD, "by"))],
            )
