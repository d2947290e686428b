"""Who gets requests: selectors, ports and Gateways that change, or go; routes that go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelmill.dangers.finding import Danger, at, danger, listed, notice, quoted
from modelmill.patch import same
from modelmill.resource import Resource

TARGETS = frozenset({"Service", "InferencePool"})
WATCHERS: dict[str, tuple[str, ...]] = {
    "NetworkPolicy": ("podSelector",),
    "PodDisruptionBudget": ("selector",),
    "PodMonitor": ("selector",),
    "ServiceMonitor": ("selector",),
}
ENTRANCES = {
    "Gateway": "every route attached to it loses its traffic, and its address may be gone for good",
    "HTTPRoute": "requests for its hosts and paths are no longer routed",
    "InferencePool": "routes that name it answer with 500",
    "Service": "clients and routes that name it find nothing",
}
"""Kinds through which requests come, and what their deletion does."""
BOTH_PORTS = "let clients use the new port first, by a Service of its own for as long"


def judge(old: Resource, new: Resource) -> Iterable[Danger]:
    if new.kind in TARGETS:
        yield from _selector(old, new)
    for field in WATCHERS.get(new.kind, ()):
        if not same(at(old.body, "spec", field), at(new.body, "spec", field)):
            message = "it is now about other pods"
            yield notice("selector-changed", new, f"spec.{field}", message)
    if new.kind == "Service":
        yield from _ports(old, new)
    if new.kind == "InferencePool":
        yield from _pool_ports(old, new)
    if new.kind == "Gateway":
        yield from _gateway(old, new)


def judge_removed(old: Resource) -> Iterable[Danger]:
    if old.kind in ENTRANCES:
        yield danger("entrance-deleted", old, "", f"it is deleted: {ENTRANCES[old.kind]}")


def _selector(old: Resource, new: Resource) -> Iterator[Danger]:
    before, after = (at(side.body, "spec", "selector") for side in (old, new))
    if before is not None and not same(before, after):
        message = (
            "requests go to other pods as soon as it is applied: pods that run keep their labels "
            "until they are replaced"
        )
        hint = "give the pods the new labels first, and change the selector when all have them"
        yield danger("selector-changed", new, "spec.selector", message, hint)


def _ports(old: Resource, new: Resource) -> Iterator[Danger]:
    """Of a Service, ports by their numbers."""
    before, after = (
        {at(each, "port"): each for each in listed(at(side.body, "spec", "ports"))}
        for side in (old, new)
    )
    for port in sorted(before.keys() - after.keys(), key=str):
        message = f"nobody answers on port {quoted(port)} any more: clients that use it fail"
        yield danger("port-changed", new, "spec.ports", message, BOTH_PORTS)
    for port in sorted(before.keys() & after.keys(), key=str):
        was, now = (at(side[port], "targetPort") for side in (before, after))
        if was is not None and not same(was, now):
            yield _before_pods(new, "spec.ports", f"{quoted(was)} → {quoted(now)}")


def _pool_ports(old: Resource, new: Resource) -> Iterator[Danger]:
    """`targetPorts` of v1, `targetPortNumber` of v1alpha2."""
    for field in ("targetPorts", "targetPortNumber"):
        was, now = (at(side.body, "spec", field) for side in (old, new))
        if was is not None and now is not None and not same(was, now):
            change = " → ".join(
                ", ".join(quoted(at(each, "number") or each) for each in listed(side) or [side])
                for side in (was, now)
            )
            yield _before_pods(new, f"spec.{field}", change)


def _before_pods(new: Resource, path: str, change: str) -> Danger:
    message = (
        f"{change}: requests go to another port as soon as it is applied: pods that run listen "
        "where they did until they are replaced"
    )
    return danger("port-changed", new, path, message, "change it when nobody sends requests")


def _gateway(old: Resource, new: Resource) -> Iterator[Danger]:
    before, after = (at(side.body, "spec", "gatewayClassName") for side in (old, new))
    if before != after:
        change = f"{quoted(before)} → {quoted(after)}"
        message = f"{change}: another implementation takes over, under another address"
        yield danger("gateway-class", new, "spec.gatewayClassName", message)
    listeners = {_name(each): each for each in listed(at(new.body, "spec", "listeners"))}
    for each in listed(at(old.body, "spec", "listeners")):
        name, port = _name(each), at(each, "port")
        path = f"spec.listeners[{name}]"
        if name not in listeners:
            yield danger(
                "route-moved", new, path, f"nobody listens on port {quoted(port)} any more"
            )
        elif at(listeners[name], "port") != port:
            now = at(listeners[name], "port")
            message = f"port {quoted(port)} → {quoted(now)}: clients of the old one fail"
            yield danger("route-moved", new, f"{path}.port", message)


def _name(listener: Any) -> str:
    return str(at(listener, "name"))
