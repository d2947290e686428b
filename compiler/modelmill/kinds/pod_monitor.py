"""PodMonitor of each role and of the endpoint picker, where `podMonitor` asks for one.

Upstream: the Prometheus operator, monitoring.coreos.com/v1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelmill import names
from modelmill.containers import given
from modelmill.engine_container import port_names
from modelmill.engines import ENGINES
from modelmill.resource import Resource, resource
from modelmill.spec.role import PodMonitor
from modelmill.variant import Variant

PICKER = "epp"
PICKER_PORT = "metrics"
PICKER_PATH = "/metrics"


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        if role.pod_monitor is not None and role.engine is not None:
            yield _monitor(
                variant,
                role.pod_monitor,
                key,
                name=variant.workload_name(key),
                selector=variant.selector(key),
                ports=port_names(role),
                path=ENGINES[role.engine.type].METRICS_PATH,
            )
    if variant.scheduler is not None and variant.scheduler.pod_monitor is not None:
        yield _monitor(
            variant,
            variant.scheduler.pod_monitor,
            PICKER,
            name=variant.picker_name,
            selector=names.selector(variant.name, PICKER),
            ports=[PICKER_PORT],
            path=PICKER_PATH,
        )


def _monitor(
    variant: Variant,
    monitor: PodMonitor,
    component: str,
    *,
    name: str,
    selector: Mapping[str, str],
    ports: Sequence[str],
    path: str,
) -> Resource:
    """Scraped endpoints of the pods that `selector` tells, one a port; what is not set is as it is
    given."""
    said = given(
        path=monitor.path or path,
        interval=monitor.interval,
        scrapeTimeout=monitor.scrape_timeout,
        relabelings=list(monitor.relabelings),
        metricRelabelings=list(monitor.metric_relabelings),
    )
    return resource(
        variant.versions.apis["PodMonitor"],
        "PodMonitor",
        monitor.name or name,
        labels=names.labels(variant.name, component, {**variant.labels, **monitor.labels}),
        annotations=dict(sorted(monitor.annotations.items())),
        spec={
            "selector": {"matchLabels": dict(selector)},
            "podMetricsEndpoints": [
                {"port": port, **said} for port in ([monitor.port] if monitor.port else ports)
            ],
            **(monitor.fields or {}),
        },
    )
