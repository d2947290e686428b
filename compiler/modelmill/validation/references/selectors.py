"""Services, disruption budgets, policies, monitors and pools: whether they select any pod, and one
with the ports they name.

In: the objects of a set. Out: faults; of a set without any pod nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import did_you_mean
from modelmill.resource import Resource
from modelmill.validation.faults import Fault, Path, at, entries, mapping
from modelmill.validation.references.objects import (
    Between,
    Objects,
    Pods,
    listed,
    matches,
    meets,
    namespace_of,
    told,
)

POOL = "InferencePool"
SELECTORS = {
    "NetworkPolicy": ("spec", "podSelector"),
    "PodDisruptionBudget": ("spec", "selector"),
    "PodMonitor": ("spec", "selector"),
}


def faults(objects: Objects) -> Iterator[Between]:
    if not objects.selectable or objects.has_hidden:
        return
    for service in objects.of("Service"):
        for fault in _service(objects, service):
            yield service, fault
    for kind, path in SELECTORS.items():
        for resource in objects.of(kind):
            for fault in _selector(objects, resource, path):
                yield resource, fault
    for monitor in objects.of("ServiceMonitor"):
        for fault in _service_monitor(objects, monitor):
            yield monitor, fault
    for pool in objects.of(POOL):
        for fault in _pool(objects, pool):
            yield pool, fault


def _service(objects: Objects, service: Resource) -> Iterator[Fault]:
    selector = mapping(at(service.body, "spec", "selector"))
    if not selector or at(service.body, "spec", "type") == "ExternalName":
        return
    selected = objects.selected(selector, namespace_of(service))
    if not selected:
        message = f"the Service selects no pod: none here has {told(selector)}"
        yield _nothing(("spec", "selector"), message, objects, namespace_of(service))
        return
    for place, port in entries(at(service.body, "spec", "ports")):
        target = port.get("targetPort", port.get("port"))
        field = "targetPort" if "targetPort" in port else "port"
        yield from _target(selected, target, ("spec", "ports", place, field))


def _target(selected: list[Pods], target: Any, path: Path) -> Iterator[Fault]:
    """A port of pods by name, which one of them must have, or by number, which they tell of."""
    if any(pods.is_made for pods in selected):
        return
    ports = [each for pods in selected for each in pods.ports()]
    names = sorted({name for name, _ in ports if name})
    if isinstance(target, str) and not target.isdigit():
        if target not in names:
            hint = did_you_mean(target, names) or f"they have {listed(names) or 'no named port'}"
            yield Fault("V207", path, f"no selected pod has a port named `{target}`", hint)
    elif ports and str(target) not in {str(number) for _, number in ports}:
        message = f"no selected pod tells of the port {target}"
        hint = f"they tell of {listed(number for _, number in ports)}"
        yield Fault("V207", path, message, hint, "warning")


def _selector(objects: Objects, resource: Resource, path: Path) -> Iterator[Fault]:
    selector = at(resource.body, *path)
    if not mapping(selector) or at(resource.body, "spec", "namespaceSelector"):
        return
    own = namespace_of(resource)
    if not any(matches(selector, p.labels) for p in objects.selectable if meets(p.namespace, own)):
        wanted = mapping(mapping(selector).get("matchLabels"))
        message = f"the {resource.kind} selects no pod: none here has {told(wanted)}"
        yield _nothing(path, message, objects, own)
        return
    if resource.kind == "PodMonitor":
        selected = [p for p in objects.selectable if matches(selector, p.labels)]
        for place, endpoint in entries(at(resource.body, "spec", "podMetricsEndpoints")):
            port = endpoint.get("port")
            if isinstance(port, str):
                yield from _target(selected, port, ("spec", "podMetricsEndpoints", place, "port"))


def _service_monitor(objects: Objects, monitor: Resource) -> Iterator[Fault]:
    selector, own = at(monitor.body, "spec", "selector"), namespace_of(monitor)
    if not mapping(selector) or at(monitor.body, "spec", "namespaceSelector"):
        return
    services = [each for each in objects.known("Service") if meets(namespace_of(each), own)]
    found = [
        each for each in services if matches(selector, mapping(at(each.body, "metadata", "labels")))
    ]
    if services and not found:
        message = "the ServiceMonitor selects no Service by its labels"
        yield Fault("V206", ("spec", "selector"), message, "", "warning", True)
    names = {port.get("name") for s in found for _, port in entries(at(s.body, "spec", "ports"))}
    for place, endpoint in entries(at(monitor.body, "spec", "endpoints")):
        port = endpoint.get("port")
        if found and isinstance(port, str) and port not in names:
            path = ("spec", "endpoints", place, "port")
            hint = did_you_mean(port, [str(each) for each in names]) or f"it has {listed(names)}"
            yield Fault("V207", path, f"no selected Service has a port named `{port}`", hint)


def _pool(objects: Objects, pool: Resource) -> Iterator[Fault]:
    """Gateway API Inference Extension: v1 says `matchLabels` and `targetPorts`, v1alpha2 not."""
    selector, own = mapping(at(pool.body, "spec", "selector")), namespace_of(pool)
    labels = mapping(selector.get("matchLabels", selector))
    selected = objects.selected(labels, own)
    if not selected:
        message = f"the pool selects no pod: none here has {told(labels)}"
        yield _nothing(("spec", "selector"), message, objects, own)
    else:
        for place, port in entries(at(pool.body, "spec", "targetPorts")):
            path = ("spec", "targetPorts", place, "number")
            yield from _target(selected, port.get("number"), path)
        number = at(pool.body, "spec", "targetPortNumber")
        if number is not None:
            yield from _target(selected, number, ("spec", "targetPortNumber"))
    yield from _picker(objects, pool, own)


def _picker(objects: Objects, pool: Resource, own: str) -> Iterator[Fault]:
    for field in ("endpointPickerRef", "extensionRef"):
        reference = mapping(at(pool.body, "spec", field))
        name = reference.get("name")
        services = objects.names("Service", own)
        if not name or not services or reference.get("kind", "Service") != "Service":
            continue
        service = objects.find("Service", name, own)
        if service is None:
            hint = did_you_mean(str(name), services) or f"there are {listed(services)}"
            message = f"there is no Service `{name}` for the endpoint picker"
            yield Fault("V208", ("spec", field, "name"), message, hint)
            continue
        if objects.is_elsewhere(service):
            continue
        number = at(reference, "port", "number")
        ports = [port.get("port") for _, port in entries(at(service.body, "spec", "ports"))]
        if number is not None and number not in ports:
            message = f"Service `{name}` has no port {number}"
            path = ("spec", field, "port", "number")
            yield Fault("V208", path, message, f"it has {listed(ports)}")


def _nothing(path: Path, message: str, objects: Objects, namespace: str) -> Fault:
    near = [told(p.labels) for p in objects.selectable if meets(p.namespace, namespace)]
    hint = f"pods here have {near[0]}" if len(near) == 1 else ""
    return Fault("V206", path, message, hint, "warning", True)
