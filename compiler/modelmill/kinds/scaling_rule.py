"""PrometheusRule that records what a HorizontalPodAutoscaler scales by, one for each such role.

Upstream: the Prometheus operator, monitoring.coreos.com/v1. A Prometheus that selects rules by a
label finds it on the alerts too: they are asked for the same ones (`alerts.labels`).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import autoscaling, names
from modelmill.autoscaling import HPA, RECORD, TRIGGER, WORKLOAD
from modelmill.containers import Manifest, given
from modelmill.resource import Resource, resource
from modelmill.spec.autoscaling import Autoscaling
from modelmill.variant import Variant

KIND = "PrometheusRule"
# As often as the HorizontalPodAutoscaler looks.
INTERVAL = "15s"


def emit(variant: Variant) -> Iterable[Resource]:
    for key, scaling in autoscaling.scalers(variant, HPA):
        rules = _rules(variant, key, scaling) if scaling.by == "hpa" else []
        if rules:
            selected = variant.spec.alerts.labels if variant.spec.alerts else {}
            own = scaling.metadata.labels if scaling.metadata else {}
            name = names.child_name(autoscaling.scaler_name(variant, key), "scaling")
            yield resource(
                variant.versions.apis[KIND],
                KIND,
                name,
                labels=names.labels(variant.name, key, {**variant.labels, **selected, **own}),
                spec={"groups": [{"name": name, "interval": INTERVAL, "rules": rules}]},
            )


def _rules(variant: Variant, key: str, scaling: Autoscaling) -> list[Manifest]:
    where = given(namespace=variant.namespace)
    return [
        {
            "record": RECORD,
            "expr": autoscaling.asked(variant, key, name, trigger),
            "labels": {**where, TRIGGER: name, WORKLOAD: variant.workload_name(key)},
        }
        for name, trigger in scaling.triggers.items()
    ]
