"""What people wrote of pods and containers, with the place of each.

In: a variant. Out: records of its spec, and paths that `span_of` knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.spec.pod import Container, ContainerFields, Pod
from modelmill.variant import Variant


def containers_beside(variant: Variant) -> Iterator[tuple[tuple[str, ...], Container]]:
    """Containers people added to pods, with the place each is written at."""
    for place, pod in pods_written(variant):
        for name, container in pod.containers.items():
            yield (*place, "containers", name), container
        for name, container in pod.init_containers.items():
            yield (*place, "initContainers", name), container


def pods_written(variant: Variant) -> Iterator[tuple[tuple[str, ...], Pod]]:
    """What people wrote of pods, with the place of each."""
    for key, role in variant.roles.items():
        if role.pod is not None:
            yield ("roles", key, "pod"), role.pod
        if role.worker is not None and role.worker.pod is not None:
            yield ("roles", key, "worker", "pod"), role.worker.pod
    if variant.scheduler is not None and variant.scheduler.pod is not None:
        yield ("routing", "scheduler", "pod"), variant.scheduler.pod
    tokenizer = variant.scheduler.tokenizer if variant.scheduler is not None else None
    if tokenizer is not None and tokenizer.pod is not None:
        yield ("routing", "scheduler", "tokenizer", "pod"), tokenizer.pod
    cache = variant.spec.model.cache
    if cache is not None and cache.download is not None and cache.download.pod is not None:
        yield ("model", "cache", "download", "pod"), cache.download.pod


def containers_written(variant: Variant) -> Iterator[tuple[tuple[str, ...], ContainerFields]]:
    """What people wrote of containers, derived ones and their own, with the place of each."""
    found: list[tuple[tuple[str, ...], ContainerFields | None]] = [
        (("routing", "sidecar", "container"), variant.sidecar.container)
    ]
    for key, role in variant.roles.items():
        found.append((("roles", key, "container"), role.container))
        if role.worker is not None:
            found.append((("roles", key, "worker", "container"), role.worker.container))
        if role.dual_pods is not None:
            found.append((("roles", key, "dualPods", "container"), role.dual_pods.container))
    if variant.scheduler is not None:
        place = ("routing", "scheduler")
        found.append(((*place, "container"), variant.scheduler.container))
        tokenizer, predictor = variant.scheduler.tokenizer, variant.scheduler.latency_predictor
        if tokenizer is not None:
            found.append(((*place, "tokenizer", "container"), tokenizer.container))
        if predictor is not None:
            servers = (("training", predictor.training), ("prediction", predictor.prediction))
            at = (*place, "latencyPredictor")
            found += [((*at, key, "container"), s.container) for key, s in servers if s]
    yield from ((place, fields) for place, fields in found if fields is not None)
    yield from containers_beside(variant)
