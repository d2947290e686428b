"""ConfigMap of a model's Grafana dashboard, for the sidecar that loads what has its label.

Upstream: grafana/helm-charts, `sidecar.dashboards`.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import dashboards, names
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

COMPONENT = "dashboard"
LABELS = {"grafana_dashboard": "1"}


def emit(variant: Variant) -> Iterable[Resource]:
    dashboard = variant.spec.dashboard
    if dashboard is None:
        return
    labels = {**variant.labels, **(dashboard.labels or LABELS)}
    yield resource(
        "v1",
        "ConfigMap",
        names.child_name(variant.name, COMPONENT),
        labels=names.labels(variant.name, COMPONENT, labels),
        annotations=dict(sorted(dashboard.annotations.items())),
        data={dashboards.file_name(variant): dashboards.dashboard_of(variant)},
    )
