"""PodMonitor of each role and of the endpoint picker, where `podMonitor` asks for one.

Upstream: the Prometheus operator, monitoring.coreos.com/v1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelmill import names, tls
from modelmill.containers import Manifest
from modelmill.engine_container import port_names
from modelmill.engines import ENGINES
from modelmill.resource import Resource, resource
from modelmill.scraping import scrape
from modelmill.spec.role import PodMonitor, Role
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
                ports=_ports(variant, key, role),
                endpoint={
                    "path": ENGINES[role.engine.type].METRICS_PATH,
                    **tls.scrape_fields(variant),
                },
            )
    if variant.scheduler is not None and variant.scheduler.pod_monitor is not None:
        yield _monitor(
            variant,
            variant.scheduler.pod_monitor,
            PICKER,
            name=variant.picker_name,
            selector=variant.component_labels(PICKER),
            ports=[{"port": PICKER_PORT}],
            endpoint={"path": PICKER_PATH},
        )


def _ports(variant: Variant, key: str, role: Role) -> list[Manifest]:
    """The engine's ports: by name, or by number where KServe's presets give it no name."""
    if variant.kserve is not None:
        return [{"portNumber": variant.engine_port(key)}]
    return [{"port": name} for name in port_names(role)]


def _monitor(
    variant: Variant,
    monitor: PodMonitor,
    component: str,
    *,
    name: str,
    selector: Mapping[str, str],
    ports: Sequence[Manifest],
    endpoint: Manifest,
) -> Resource:
    """Scraped endpoints of the pods that `selector` tells, one a port; what is not set is as it is
    given."""
    said = scrape(monitor)
    return resource(
        variant.versions.apis["PodMonitor"],
        "PodMonitor",
        monitor.name or name,
        labels=names.labels(variant.name, component, {**variant.labels, **monitor.labels}),
        annotations=dict(sorted(monitor.annotations.items())),
        spec={
            "selector": {"matchLabels": dict(selector)},
            "podMetricsEndpoints": [
                {**port, **endpoint, **said}
                for port in ([{"port": monitor.port}] if monitor.port else ports)
            ],
            **(monitor.fields or {}),
        },
    )
