"""Deployment of each role.

With accelerators the default strategy replaces pods in place: a rolling update that starts a pod
first waits forever for a GPU the old pod holds (llm-d-modelservice#247).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import Manifest, given, int_or_string
from modelmill.pods import ENGINE_CONTAINER, accelerator_request, pod_template, role_labels
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

IMAGE_PULL_SECONDS = 900


def emit(variant: Variant) -> Iterable[Resource]:
    for key in variant.roles:
        yield _deployment(variant, key)


def _deployment(variant: Variant, key: str) -> Resource:
    role = variant.roles[key]
    metadata = role.metadata
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    template = pod_template(variant, key)
    return resource(
        "apps/v1",
        "Deployment",
        variant.workload_name(key),
        labels=names.labels(variant.name, key, labels, role_labels(variant, key)),
        annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
        spec={
            "replicas": role.replicas,
            "selector": {"matchLabels": names.selector(variant.name, key)},
            "strategy": _strategy(variant, key),
            "progressDeadlineSeconds": _deadline(template),
            "template": template,
        },
    )


def _deadline(template: Manifest) -> int:
    """Seconds until a rollout counts as stuck: the load that the startup probe allows, and the pull
    of a large image. The default of 600 would call every large model's rollout failed."""
    containers = template["spec"]["containers"]
    (probe,) = (c["startupProbe"] for c in containers if c["name"] == ENGINE_CONTAINER)
    tries = probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
    return int(probe.get("initialDelaySeconds", 0) + tries) + IMAGE_PULL_SECONDS


def _strategy(variant: Variant, key: str) -> Manifest:
    strategy = variant.roles[key].strategy
    if strategy is not None and strategy.type == "Recreate":
        return {"type": "Recreate"}
    in_place = bool(accelerator_request(variant, key))
    surge, unavailable = ("0", "1") if in_place else ("25%", "25%")
    if strategy is not None:
        surge = strategy.max_surge or surge
        unavailable = strategy.max_unavailable or unavailable
    limits = given(maxSurge=int_or_string(surge), maxUnavailable=int_or_string(unavailable))
    return {"type": "RollingUpdate", "rollingUpdate": limits}
