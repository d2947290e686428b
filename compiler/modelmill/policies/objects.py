"""What of an object keeps which policy: every policy of modelmill's own, by name.

In: an object, those that meet it in its cluster, and what holds. Out: what is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from modelmill.policies import images, pods, probes, resources
from modelmill.policies.broken import Broken, Pods, parts_of, pods_of
from modelmill.policies.settings import REGISTRIES, Held
from modelmill.registries import PARTS, POD_SPECS
from modelmill.resource import Resource

CODES: Mapping[str, str] = {
    "images.digest": "V300",
    "images.registries": "V301",
    "resources.requests": "V302",
    "resources.memoryLimits": "V302",
    "resources.cpuLimits": "V302",
    "resources.accelerators": "V302",
    "probes.startup": "V303",
    "probes.readiness": "V303",
    "probes.liveness": "V303",
    "pods.serviceAccountToken": "V304",
    "pods.rootFilesystem": "V304",
    "pods.hostNamespaces": "V304",
    "pods.disruptionBudgets": "V305",
    "pods.spread": "V305",
}

DIGEST = "images.digest"
OF_PODS: Mapping[str, Callable[[Pods], Iterator[Broken]]] = {
    "images.digest": images.undigested,
    "resources.requests": resources.without_requests,
    "resources.memoryLimits": resources.without_memory_limit,
    "resources.cpuLimits": resources.without_cpu_limit,
    "resources.accelerators": resources.unequal_accelerators,
    "probes.startup": partial(probes.unprobed, kind="startup"),
    "probes.readiness": partial(probes.unprobed, kind="readiness"),
    "probes.liveness": partial(probes.unprobed, kind="liveness"),
    "pods.rootFilesystem": pods.writable,
    "pods.hostNamespaces": pods.on_the_node,
}
BESIDE_OTHERS: Mapping[str, Callable[[Pods, Sequence[Resource]], Iterator[Broken]]] = {
    "pods.serviceAccountToken": pods.with_token,
    "pods.disruptionBudgets": pods.undisrupted,
    "pods.spread": pods.together,
}


def broken(resource: Resource, beside: Sequence[Resource], held: Held) -> Iterator[Broken]:
    """Policies that an object does not keep. `beside`: all objects, it among them."""
    if not held.levels or (resource.kind not in POD_SPECS and resource.kind not in PARTS):
        return
    registries = held.policies.images.registries or ()
    for each in parts_of(resource):
        yield from images.undigested(each) if DIGEST in held.levels else ()
        yield from images.from_elsewhere(each, registries) if REGISTRIES in held.levels else ()
    for each in pods_of(resource):
        for policy in held.levels:
            if policy in OF_PODS:
                yield from OF_PODS[policy](each)
            elif policy == REGISTRIES:
                yield from images.from_elsewhere(each, registries)
            else:
                yield from BESIDE_OTHERS[policy](each, beside)
