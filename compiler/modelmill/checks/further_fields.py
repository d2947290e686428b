"""C537: what has a field of its own is written there, not under `fields`.

What stands under `fields` goes into the object last, as it is. A list that is derived, such as a
pod's containers, it would replace as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, error
from modelmill.record import Record
from modelmill.spec.devices import Claim
from modelmill.spec.pod import Container, ContainerFields
from modelmill.variant import Variant
from modelmill.written import containers_written, pods_written

READS = (
    "accelerator container dual_pods model pod pod_monitor routing.scheduler.config "
    "routing.scheduler.container routing.scheduler.latency_predictor routing.scheduler.pod "
    "routing.scheduler.pod_monitor routing.scheduler.tokenizer routing.sidecar worker"
)
Place = tuple[str, ...]
Where = Mapping[str, str]

# Fields that Kubernetes calls otherwise, or that stand beside the record: where they are written;
# "" where nobody writes them.
OF_POD: Where = {}
OF_CONTAINER: Where = {
    "name": "",
    "startupProbe": "probes.startup",
    "readinessProbe": "probes.readiness",
    "livenessProbe": "probes.liveness",
}
OF_ENGINE: Where = {
    **OF_CONTAINER,
    "name": "name",
    "image": "engine.image",
    "command": "engine.command",
    "args": "engine.args",
    "env": "engine.env",
    "resources": "resources",
}
OF_REQUESTER: Where = {
    "image": "dualPods.image",
    "resources": "dualPods.limits",
    **dict.fromkeys(("name", "command", "env", "readinessProbe"), ""),
}
OF_SIDECAR: Where = {
    "image": "routing.sidecar.image",
    "args": "routing.sidecar.flags",
    "env": "routing.sidecar.env",
    "resources": "routing.sidecar.resources",
    "restartPolicy": "",
}
OF_PICKER: Where = {
    "image": "routing.scheduler.image",
    "args": "routing.scheduler.flags",
    "env": "routing.scheduler.env",
    "resources": "routing.scheduler.resources",
    **dict.fromkeys(("readinessProbe", "livenessProbe"), ""),
}
OF_HELPER: Where = {
    **{name: name for name in ("image", "env", "resources")},
    "args": "flags",
    **dict.fromkeys(("command", "startupProbe", "readinessProbe", "livenessProbe"), ""),
}
OF_DEVICES: Where = {"deviceClassName": "deviceClass", "name": ""}
OF_MONITOR: Where = {"selector": "", "podMetricsEndpoints": "port"}


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, record, elsewhere in _records(variant):
        fields: Any = getattr(record, "fields", None)
        if not fields or not isinstance(fields, Mapping):
            continue
        own = {name: name for name in record._declared if name != "fields"} | dict(elsewhere)
        for name in fields:
            if name in own:
                yield error(
                    "C537",
                    f"`{name}` stands under `fields`, and has a field of its own",
                    variant.key_span_of(*place, "fields", name),
                    f"write it as `{own[name]}`" if own[name] else "leave it out: it is derived",
                )


def _records(variant: Variant) -> Iterator[tuple[Place, Record, Where]]:
    """Records with `fields`, their places, and where else a field of theirs is written."""
    for place, pod in pods_written(variant):
        yield place, pod, OF_POD
        yield from _devices((*place, "resourceClaims"), pod.resource_claims)
    for place, container in containers_written(variant):
        yield place, container, _elsewhere(place, container)
    for key, role in variant.roles.items():
        if role.accelerator is not None:
            yield from _devices(("roles", key, "accelerator", "claims"), role.accelerator.claims)
        if role.pod_monitor is not None:
            yield ("roles", key, "podMonitor"), role.pod_monitor, OF_MONITOR
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.pod_monitor is not None:
        yield ("routing", "scheduler", "podMonitor"), scheduler.pod_monitor, OF_MONITOR


def _elsewhere(place: Place, container: ContainerFields) -> Where:
    if isinstance(container, Container):
        return OF_CONTAINER
    if place[0] == "roles":
        return OF_REQUESTER if place[2] == "dualPods" else OF_ENGINE
    if place[1] == "sidecar":
        return OF_SIDECAR
    return OF_PICKER if place[2] == "container" else OF_HELPER


def _devices(place: Place, claims: Mapping[str, Claim]) -> Iterator[tuple[Place, Record, Where]]:
    for claim, each in claims.items():
        for name, request in each.requests.items():
            where = (*place, claim, "requests", name)
            yield where, request, OF_DEVICES
            for key, devices in request.first_available.items():
                yield (*where, "firstAvailable", key), devices, OF_DEVICES
