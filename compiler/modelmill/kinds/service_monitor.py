"""ServiceMonitor of the model's Service and of the endpoint picker's, where one is asked for.

Prefill pods are behind no Service: a PodMonitor of their role scrapes them.

Upstream: the Prometheus operator, monitoring.coreos.com/v1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill import names, tls
from modelmill.containers import Manifest, numbered
from modelmill.engines import ENGINES
from modelmill.groups import ports_of
from modelmill.resource import Resource, resource
from modelmill.scraping import scrape
from modelmill.spec.observability import ServiceMonitor
from modelmill.variant import Variant

MODEL, PICKER = "model", "epp"
PORT, PICKER_PORT = "http", "http-metrics"
PICKER_PORT_OF_KSERVE = "metrics"
METRICS_PATH = "/metrics"


def emit(variant: Variant) -> Iterable[Resource]:
    service, scheduler = variant.routing.service, variant.scheduler
    if service is not None and service.monitor is not None:
        served = [
            role for key, role in variant.roles.items() if variant.role_type(key) != "prefill"
        ]
        ports = numbered(PORT, max(map(ports_of, served), default=1))
        paths = [ENGINES[role.engine.type].METRICS_PATH for role in served if role.engine]
        endpoint = {"path": paths[0] if paths else METRICS_PATH, **tls.scrape_fields(variant)}
        yield _monitor(variant, service.monitor, MODEL, variant.name, ports, endpoint)
    if scheduler is not None and scheduler.service_monitor is not None:
        monitor, endpoint = scheduler.service_monitor, {"path": METRICS_PATH}
        port = PICKER_PORT if variant.kserve is None else PICKER_PORT_OF_KSERVE
        yield _monitor(variant, monitor, PICKER, variant.picker_name, [port], endpoint)


def _monitor(
    variant: Variant,
    monitor: ServiceMonitor,
    component: str,
    name: str,
    ports: Sequence[str],
    endpoint: Manifest,
) -> Resource:
    """Scraped ports of the component's Service, each in every pod behind it."""
    said = scrape(monitor)
    return resource(
        variant.versions.apis["ServiceMonitor"],
        "ServiceMonitor",
        name,
        labels=names.labels(variant.name, component, {**variant.labels, **monitor.labels}),
        annotations=dict(sorted(monitor.annotations.items())),
        spec={
            "selector": {"matchLabels": variant.component_labels(component)},
            "endpoints": [{"port": port, **endpoint, **said} for port in ports],
            **(monitor.fields or {}),
        },
    )
