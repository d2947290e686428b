"""How the Prometheus operator scrapes a port, whichever monitor tells it to.

In: what people wrote of a PodMonitor or ServiceMonitor. Out: the fields of an endpoint that say so,
as monitoring.coreos.com/v1 spells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.containers import Manifest, given
from modelmill.spec.observability import ServiceMonitor
from modelmill.spec.role import PodMonitor


def scrape(monitor: PodMonitor | ServiceMonitor) -> Manifest:
    return given(
        path=monitor.path,
        interval=monitor.interval,
        scrapeTimeout=monitor.scrape_timeout,
        relabelings=[_relabeling(each) for each in monitor.relabelings],
        metricRelabelings=[_relabeling(each) for each in monitor.metric_relabelings],
    )


def _relabeling(rule: Mapping[str, Any]) -> Manifest:
    """With what the API server fills in, which in a list Argo CD takes for a change."""
    return {"action": "replace", **rule}
