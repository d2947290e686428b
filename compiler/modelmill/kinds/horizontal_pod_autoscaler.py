"""HorizontalPodAutoscaler of each role that has one: `by: hpa`, or `wva` with it as actuator.

Its signals are external metrics. A selector of these is made of label values, which neither a
served name with a slash nor a pattern of pods' names can be: what a signal is, `scaling_rule`
records under one name, and the metrics adapter needs one rule for all models.

Upstream: autoscaling/v2; llm-d guides/workload-autoscaling for WVA's metric. Its target is an
AverageValue: as a Value the wanted replicas would be multiplied by those there are, without end.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import autoscaling
from modelmill.autoscaling import HPA, RECORD, TRIGGER, WORKLOAD, WVA_METRIC
from modelmill.containers import Manifest, given, over
from modelmill.resource import Resource, resource
from modelmill.spec.autoscaling import Autoscaling
from modelmill.variant import Variant

# What the API server fills in where there is a behavior (pkg/apis/autoscaling/v2/defaults.go).
SCALE_UP: Manifest = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
SCALE_DOWN: Manifest = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def emit(variant: Variant) -> Iterable[Resource]:
    for key, scaling in autoscaling.scalers(variant, HPA):
        api_version, kind, name = autoscaling.target(variant, key)
        yield resource(
            "autoscaling/v2",
            HPA,
            autoscaling.scaler_name(variant, key),
            labels=autoscaling.scaler_labels(variant, key, scaling),
            annotations=autoscaling.scaler_annotations(variant, scaling),
            spec={
                "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name},
                "minReplicas": scaling.min_replicas,
                **given(
                    maxReplicas=scaling.max_replicas,
                    metrics=_metrics(variant, key, scaling),
                    behavior=_behavior(scaling),
                ),
            },
        )


def _metrics(variant: Variant, key: str, scaling: Autoscaling) -> list[Manifest]:
    if scaling.by == "wva":
        named = {"variant_name": autoscaling.scaler_name(variant, key)}
        where = given(exported_namespace=variant.namespace)
        return [_external(WVA_METRIC, {**named, **where}, "AverageValue", "1")]
    workload = variant.workload_name(key)
    signals = [
        _external(
            RECORD,
            {WORKLOAD: workload, TRIGGER: name},
            autoscaling.target_type(name, trigger),
            autoscaling.canonical(trigger.target),
        )
        for name, trigger in scaling.triggers.items()
    ]
    return [*signals, *(dict(metric) for metric in scaling.further_triggers.values())]


def _external(name: str, labels: Manifest, kind: str, amount: str) -> Manifest:
    field = "averageValue" if kind == "AverageValue" else "value"
    return {
        "type": "External",
        "external": {
            "metric": {"name": name, "selector": {"matchLabels": labels}},
            "target": {"type": kind, field: amount},
        },
    }


def _behavior(scaling: Autoscaling) -> Manifest | None:
    if scaling.behavior is None:
        return None
    return over({"scaleUp": SCALE_UP, "scaleDown": SCALE_DOWN}, scaling.behavior)
