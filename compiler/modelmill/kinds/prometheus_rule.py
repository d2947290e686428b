"""PrometheusRule of a model's alerts, in one group.

Upstream: the Prometheus operator, monitoring.coreos.com/v1.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import alerts, names
from modelmill.containers import given
from modelmill.promql import time_range
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

COMPONENT = "alerts"


def emit(variant: Variant) -> Iterable[Resource]:
    given_alerts, rules = variant.spec.alerts, list(alerts.rules_of(variant))
    if given_alerts is None or not rules:
        return
    interval = given_alerts.interval
    group = given(name=variant.name, interval=interval and time_range(interval), rules=rules)
    labels = {**variant.labels, **given_alerts.labels}
    yield resource(
        variant.versions.apis["PrometheusRule"],
        "PrometheusRule",
        variant.name,
        labels=names.labels(variant.name, COMPONENT, labels),
        spec={"groups": [group]},
    )
