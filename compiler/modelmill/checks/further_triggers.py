"""C558: triggers that are spelt as their scaler spells them have the parts it needs.

Sources: the CustomResourceDefinition of keda.sh/v1alpha1 and its admission, which refuses a name
that stands twice (kedacore/keda, apis/keda/v1alpha1/scaledobject_webhook.go); MetricSpec of
autoscaling/v2 (k8s.io/api).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.autoscaling import trigger_name
from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error
from modelmill.spec.autoscaling import Autoscaling
from modelmill.variant import Variant

READS = "autoscaling"
CODE = "C558"
OF_KEDA = ("type", "name", "metadata", "metricType", "authenticationRef", "useCachedMetrics")
SECTIONS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
"""Types of a metric, and where each says more."""
AMOUNTS = {
    "AverageValue": "averageValue",
    "Value": "value",
    "Utilization": "averageUtilization",
}
"""Types of a target, and where each has its number."""

Place = tuple[str, ...]


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        scaling = role.autoscaling
        if scaling is None or scaling.by not in ("keda", "hpa"):
            continue
        judge = _of_keda if scaling.by == "keda" else _of_hpa
        for name, trigger in scaling.further_triggers.items():
            place = ("roles", key, "autoscaling", "furtherTriggers", name)
            yield from judge(variant, place, trigger)
        if scaling.by == "keda":
            yield from _names(variant, key, scaling)


def _of_keda(variant: Variant, place: Place, trigger: Mapping[str, Any]) -> Iterator[Diagnostic]:
    yield from _unknown(variant, place, trigger, OF_KEDA)
    hint = "as KEDA spells it: {type: cron, metadata: {…}}"
    if not isinstance(trigger.get("type"), str) or not trigger["type"]:
        message = f"the trigger `{place[-1]}` does not say its `type`"
        yield error(CODE, message, variant.key_span_of(*place), hint)
    if not isinstance(trigger.get("name", ""), str):
        yield error(CODE, "`name` must be a string", variant.span_of(*place, "name"))
    metadata = trigger.get("metadata")
    if not isinstance(metadata, Mapping):
        message = f"the trigger `{place[-1]}` has no `metadata`"
        yield error(CODE, message, variant.key_span_of(*place), hint)
        return
    for name, value in metadata.items():
        if not isinstance(value, str):
            message = f"`{name}` must be a string: KEDA reads numbers out of strings"
            yield error(
                CODE, message, variant.span_of(*place, "metadata", name), "put it in quotes"
            )
    kind = trigger.get("metricType")
    if kind is not None and kind not in tuple(AMOUNTS):
        yield _no_choice(variant, (*place, "metricType"), kind, AMOUNTS)


def _of_hpa(variant: Variant, place: Place, metric: Mapping[str, Any]) -> Iterator[Diagnostic]:
    kind = metric.get("type")
    if kind is None:
        message = f"the metric `{place[-1]}` does not say its `type`"
        hint = "it is one of " + ", ".join(SECTIONS)
        yield error(CODE, message, variant.key_span_of(*place), hint)
    elif kind not in tuple(SECTIONS):
        yield _no_choice(variant, (*place, "type"), kind, SECTIONS)
    else:
        section = SECTIONS[kind]
        yield from _unknown(variant, place, metric, ("type", section))
        said = metric.get(section)
        target = said.get("target") if isinstance(said, Mapping) else None
        of = target.get("type") if isinstance(target, Mapping) else None
        if of not in tuple(AMOUNTS):
            message = f"the metric `{place[-1]}` does not say `{section}.target.type`"
            hint = "it is one of " + ", ".join(AMOUNTS)
            yield error(CODE, message, variant.key_span_of(*place), hint)
        elif isinstance(target, Mapping) and target.get(AMOUNTS[of]) is None:
            message = f"the target of `{place[-1]}` is {of}, and has no `{AMOUNTS[of]}`"
            yield error(CODE, message, variant.key_span_of(*place, section, "target"))


def _unknown(
    variant: Variant, place: Place, given: Mapping[str, Any], known: tuple[str, ...]
) -> Iterator[Diagnostic]:
    for name in given:
        if name not in known:
            message = f"`{name}` is no part of a trigger"
            hint = did_you_mean(name, known) or "its parts are " + ", ".join(known)
            yield error(CODE, message, variant.key_span_of(*place, name), hint)


def _no_choice(variant: Variant, place: Place, said: Any, known: Iterable[str]) -> Diagnostic:
    message = f"`{place[-1]}` must be one of {', '.join(known)}, not `{said}`"
    return error(CODE, message, variant.span_of(*place), did_you_mean(str(said), known))


def _names(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    place = ("roles", key, "autoscaling")
    seen = {trigger_name(scaling, name): ("triggers", name) for name in scaling.triggers}
    for each, trigger in scaling.further_triggers.items():
        name = str(trigger.get("name") or trigger_name(scaling, each))
        own = ("furtherTriggers", each)
        first = seen.setdefault(name, own)
        if first != own:
            yield error(
                CODE,
                f"two triggers of `{key}` are called `{name}`",
                variant.key_span_of(*place, *own),
                "give one another name",
                [Note(f"the other `{name}` is here", variant.key_span_of(*place, *first))],
            )
