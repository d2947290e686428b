"""Routes and Gateways, scalers and bindings: whether what they name is there, and takes them.

In: the objects of a set. Out: faults. Of a kind that the set has none of, all may be elsewhere.

Source: gateway-api.sigs.k8s.io/reference/spec (BackendObjectReference, ReferenceGrant,
AllowedRoutes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import did_you_mean
from modelmill.resource import Resource
from modelmill.validation.faults import Fault, Path, at, entries, mapping
from modelmill.validation.references.objects import (
    Between,
    Objects,
    listed,
    matches,
    namespace_of,
)

ROUTES = ("HTTPRoute", "GRPCRoute")
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler", "VariantAutoscaling")
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
SCALED_BY_DEFAULT = "Deployment"


def faults(objects: Objects) -> Iterator[Between]:
    for route in objects.of(*ROUTES):
        for fault in (*_backends(objects, route), *_parents(objects, route)):
            yield route, fault
        if not at(route.body, "spec", "parentRefs"):
            message = "the route is attached to no Gateway: it has no `parentRefs`"
            yield route, Fault("V211", ("spec",), message, "", "warning", True)
    for scaler in objects.of(*SCALERS):
        for fault in _scaled(objects, scaler):
            yield scaler, fault
    for binding in objects.of(*BINDINGS):
        for fault in _bound(objects, binding):
            yield binding, fault


def _backends(objects: Objects, route: Resource) -> Iterator[Fault]:
    own = namespace_of(route)
    for index, rule in entries(at(route.body, "spec", "rules")):
        for place, backend in entries(rule.get("backendRefs")):
            path: Path = ("spec", "rules", index, "backendRefs", place)
            kind, name = str(backend.get("kind", "Service")), backend.get("name")
            namespace = str(backend.get("namespace") or own)
            if namespace != own and own:
                yield from _granted(objects, route, kind, namespace, (*path, "namespace"))
            yield from _backend(objects, kind, name, namespace, backend, path)


def _backend(
    objects: Objects,
    kind: str,
    name: object,
    namespace: str,
    backend: Mapping[str, Any],
    path: Path,
) -> Iterator[Fault]:
    known = objects.names(kind, namespace)
    found = objects.find(kind, name, namespace)
    if found is None:
        if known and not objects.has_hidden:
            hint = did_you_mean(str(name), known) or f"there are {listed(known)}"
            message = f"the route leads to {kind} `{name}`, which is not there"
            yield Fault("V209", (*path, "name"), message, hint)
        return
    if objects.is_elsewhere(found):
        return
    port = backend.get("port")
    ports = [each.get("port") for _, each in entries(at(found.body, "spec", "ports"))]
    if kind == "Service" and port is not None and ports and port not in ports:
        message = f"Service `{name}` has no port {port}"
        yield Fault("V209", (*path, "port"), message, f"it has {listed(ports)}")


def _granted(
    objects: Objects, route: Resource, kind: str, namespace: str, path: Path
) -> Iterator[Fault]:
    """What is in another namespace must let the route refer to it."""
    known = any(namespace_of(each) == namespace for each in objects.all)
    grants = [g for g in objects.known("ReferenceGrant") if namespace_of(g) == namespace]
    own = namespace_of(route)
    allowed = any(
        any(f.get("kind") == route.kind and f.get("namespace") == own for _, f in _of(g, "from"))
        and any(t.get("kind") == kind for _, t in _of(g, "to"))
        for g in grants
    )
    if known and not allowed:
        message = (
            f"no ReferenceGrant of `{namespace}` lets {route.kind}s of `{own}` refer to its {kind}s"
        )
        yield Fault("V210", path, message, f"add a ReferenceGrant to the namespace `{namespace}`")


def _of(grant: Resource, part: str) -> list[tuple[int, Mapping[str, Any]]]:
    return entries(at(grant.body, "spec", part))


def _parents(objects: Objects, route: Resource) -> Iterator[Fault]:
    own = namespace_of(route)
    for place, parent in entries(at(route.body, "spec", "parentRefs")):
        if parent.get("kind", "Gateway") != "Gateway":
            continue
        path: Path = ("spec", "parentRefs", place)
        namespace, name = str(parent.get("namespace") or own), parent.get("name")
        known, found = objects.names("Gateway", namespace), objects.find("Gateway", name, namespace)
        if found is None:
            if known:
                hint = did_you_mean(str(name), known) or f"there are {listed(known)}"
                yield Fault("V211", (*path, "name"), f"there is no Gateway `{name}`", hint)
            continue
        if not objects.is_elsewhere(found):
            yield from _listener(objects, found, parent, own, path)


def _listener(
    objects: Objects, gateway: Resource, parent: Mapping[str, Any], own: str, path: Path
) -> Iterator[Fault]:
    listeners = [each for _, each in entries(at(gateway.body, "spec", "listeners"))]
    section, port = parent.get("sectionName"), parent.get("port")
    names = [str(each.get("name")) for each in listeners]
    if section is not None and section not in names:
        hint = did_you_mean(str(section), names) or f"it has {listed(names)}"
        message = f"Gateway `{gateway.name}` has no listener `{section}`"
        yield Fault("V211", (*path, "sectionName"), message, hint)
        return
    meant = [
        each
        for each in listeners
        if section in (None, each.get("name")) and port in (None, each.get("port"))
    ]
    if port is not None and not meant:
        message = f"Gateway `{gateway.name}` has no listener at port {port}"
        hint = f"it has {listed(each.get('port') for each in listeners)}"
        yield Fault("V211", (*path, "port"), message, hint)
    elif meant and not any(_takes(objects, gateway, each, own) for each in meant):
        message = f"no listener of Gateway `{gateway.name}` takes routes of the namespace `{own}`"
        hint = "let `allowedRoutes.namespaces` of the listener take it"
        yield Fault("V211", path, message, hint)


def _takes(objects: Objects, gateway: Resource, listener: Mapping[str, Any], own: str) -> bool:
    """Whether a listener takes routes of a namespace; of one that is not here its labels are not
    known."""
    allowed = mapping(at(listener, "allowedRoutes", "namespaces"))
    way, home = allowed.get("from", "Same"), namespace_of(gateway)
    if way == "All" or not own or not home:
        return True
    if way == "Same":
        return own == home
    found = objects.find("Namespace", own, "")
    labels = mapping(at(found.body, "metadata", "labels")) if found is not None else None
    return labels is None or matches(
        allowed.get("selector"), {"kubernetes.io/metadata.name": own, **labels}
    )


def _scaled(objects: Objects, scaler: Resource) -> Iterator[Fault]:
    target = mapping(at(scaler.body, "spec", "scaleTargetRef"))
    name, own = target.get("name"), namespace_of(scaler)
    kind = str(target.get("kind", SCALED_BY_DEFAULT))
    known = objects.names(kind, own)
    if name is None or objects.has_hidden or not objects.pods or name in known:
        return
    hint = did_you_mean(str(name), known) or (f"there are {listed(known)}" if known else "")
    path: Path = ("spec", "scaleTargetRef", "name")
    yield Fault("V212", path, f"it scales {kind} `{name}`, which is not there", hint)


def _bound(objects: Objects, binding: Resource) -> Iterator[Fault]:
    own = namespace_of(binding)
    role = mapping(binding.body.get("roleRef"))
    kind, name = str(role.get("kind")), role.get("name")
    known = objects.names(kind, own if kind == "Role" else "")
    if kind == "Role" and known and name not in known:
        hint = did_you_mean(str(name), known) or f"there are {listed(known)}"
        yield Fault("V213", ("roleRef", "name"), f"there is no Role `{name}`", hint)
    for place, subject in entries(binding.body.get("subjects")):
        if subject.get("kind") != "ServiceAccount":
            continue
        namespace = str(subject.get("namespace") or own)
        accounts = objects.names("ServiceAccount", namespace)
        if accounts and subject.get("name") not in (*accounts, "default"):
            hint = did_you_mean(str(subject.get("name")), accounts)
            if hint:
                message = f"there is no ServiceAccount `{subject.get('name')}`"
                yield Fault("V213", ("subjects", place, "name"), message, hint)
