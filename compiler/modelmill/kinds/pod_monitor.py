"""PodMonitor of each role that asks for one (Prometheus operator, monitoring.coreos.com/v1)."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import given
from modelmill.engines import ENGINES
from modelmill.pods import ENGINE_CONTAINER
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        monitor = role.pod_monitor
        if monitor is None or role.engine is None:
            continue
        endpoint = given(
            port=ENGINE_CONTAINER,
            path=monitor.path or ENGINES[role.engine.type].METRICS_PATH,
            interval=monitor.interval,
            scrapeTimeout=monitor.scrape_timeout,
        )
        yield resource(
            variant.versions.apis["PodMonitor"],
            "PodMonitor",
            variant.workload_name(key),
            labels=names.labels(variant.name, key, {**variant.labels, **monitor.labels}),
            spec={
                "selector": {"matchLabels": names.selector(variant.name, key)},
                "podMetricsEndpoints": [endpoint],
            },
        )
