"""How long a model's pods may take to start, by which Flux is to wait for them.

In: a variant and its objects as they are emitted. Out: seconds, and a duration for `timeout`.

A pod may take what its startup probe allows, after its image was pulled; a Deployment what its own
deadline says. That pods of a rollout follow one another is not counted: a probe allows many times
what a start takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill import model_cache
from modelmill.engine_container import IMAGE_PULL_SECONDS, STARTUP
from modelmill.quantities import amount
from modelmill.resource import Resource
from modelmill.variant import Variant

# 100 Mbit/s, by which the Job that fills a cache has a day for a terabyte.
BYTES_PER_SECOND = 12_500_000
LONGEST_DOWNLOAD = 86_400
MADE_BY_OTHERS = ("LLMInferenceService", "ReplicaSet")
"""Kinds whose pods, or what these run, a controller of its own makes."""
STEP = 300


def duration(seconds: int) -> str:
    """Rounded up to five minutes: `1h20m`."""
    hours, minutes = divmod(-(-seconds // STEP) * STEP // 60, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")


def startup_seconds(variant: Variant, resources: Sequence[Resource]) -> int:
    """From the moment that the objects are applied until all pods can be ready."""
    loads = [_pod_seconds(pod) for each in resources for pod in _pods(each.body)]
    if any(each.kind in MADE_BY_OTHERS for each in resources):
        loads.append(_probe_seconds(STARTUP))
    deadlines = [
        _number(_field(each.body, "spec"), "progressDeadlineSeconds") for each in resources
    ]
    start = max([IMAGE_PULL_SECONDS + max(loads, default=0), *deadlines])
    return start + (_download_seconds(variant) if awaits_weights(variant) else 0)


def awaits_weights(variant: Variant) -> bool:
    """Whether pods wait for weights, or fetch them, before their engine starts."""
    return model_cache.is_filled(variant) or model_cache.is_downloaded(variant)


def _download_seconds(variant: Variant) -> int:
    size = variant.spec.model.size
    if size is None:
        return LONGEST_DOWNLOAD
    return min(amount(size) // BYTES_PER_SECOND, LONGEST_DOWNLOAD)


def _pods(body: Any) -> Iterator[Mapping[str, Any]]:
    """Every PodSpec of an object, wherever its kind has one."""
    if isinstance(body, list):
        for each in body:
            yield from _pods(each)
    elif isinstance(body, Mapping):
        if isinstance(body.get("containers"), list):
            yield body
        else:
            for each in body.values():
                yield from _pods(each)


def _pod_seconds(pod: Mapping[str, Any]) -> int:
    """Containers start together, after those before them that go on running."""
    before = pod.get("initContainers")
    sidecars = [
        _container_seconds(each)
        for each in (before if isinstance(before, list) else ())
        if isinstance(each, Mapping) and each.get("restartPolicy") == "Always"
    ]
    return sum(sidecars) + max(map(_container_seconds, pod["containers"]), default=0)


def _container_seconds(container: Any) -> int:
    probe = _field(container, "startupProbe")
    if not probe:
        return _number(_field(container, "readinessProbe"), "initialDelaySeconds")
    return _probe_seconds(probe)


def _probe_seconds(probe: Mapping[str, Any]) -> int:
    tries = _number(probe, "failureThreshold", 3) * _number(probe, "periodSeconds", 10)
    return _number(probe, "initialDelaySeconds") + tries


# What a patch or an object of people's own says may be anything.


def _field(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _number(value: Mapping[str, Any], name: str, default: int = 0) -> int:
    found = value.get(name, default)
    return found if isinstance(found, int) else default
