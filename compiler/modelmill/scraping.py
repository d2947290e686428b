"""How the Prometheus operator scrapes a port, whichever monitor tells it to.

In: what people wrote of a PodMonitor or ServiceMonitor. Out: the fields of an endpoint that say so,
as monitoring.coreos.com/v1 spells them.
"""

from __future__ import annotations

from modelmill.containers import Manifest, given
from modelmill.spec.observability import ServiceMonitor
from modelmill.spec.role import PodMonitor


def scrape(monitor: PodMonitor | ServiceMonitor) -> Manifest:
    return given(
        path=monitor.path,
        interval=monitor.interval,
        scrapeTimeout=monitor.scrape_timeout,
        relabelings=list(monitor.relabelings),
        metricRelabelings=list(monitor.metric_relabelings),
    )
