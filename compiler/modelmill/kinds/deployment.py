"""Deployment of each role.

With accelerators the default strategy replaces pods in place: a rolling update that starts a pod
first waits forever for a GPU the old pod holds (llm-d-modelservice#247).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.claims import has_claimed_accelerators
from modelmill.containers import Manifest, given, int_or_string
from modelmill.engine_container import IMAGE_PULL_SECONDS
from modelmill.engine_resources import accelerator_request
from modelmill.pods import pod_template, workload_labels
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.role import Strategy
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        if role.worker is None and role.dual_pods is None:
            yield _deployment(variant, key)


@shared(*OUTSIDE)
def _deployment(variant: Variant, key: str) -> Resource:
    role, around, template = variant.roles[key], _around(variant, key), pod_template(variant, key)
    spec = {
        **given(replicas=None if role.autoscaling else role.replicas),
        **around.body["spec"],
        **given(progressDeadlineSeconds=None if variant.is_bare(key) else _deadline(template)),
        "template": template,
    }
    return around._replace(body={**around.body, "spec": spec})


@shared(*OUTSIDE, *INSIDE, *PODS)
def _around(variant: Variant, key: str) -> Resource:
    """The Deployment without its number of pods and their template."""
    metadata = variant.roles[key].metadata
    return resource(
        "apps/v1",
        "Deployment",
        variant.workload_name(key),
        labels=workload_labels(variant, key),
        annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
        spec={
            "selector": {"matchLabels": variant.selector(key)},
            **given(strategy=_strategy(variant, key)),
        },
    )


def _deadline(template: Manifest) -> int:
    """Seconds until a rollout counts as stuck: the load that the startup probe allows, and the pull
    of a large image. The default of 600 would call every large model's rollout failed."""
    engine, *_ = template["spec"]["containers"]
    probe = engine.get("startupProbe", {})
    tries = probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
    return int(probe.get("initialDelaySeconds", 0) + tries) + IMAGE_PULL_SECONDS


def _strategy(variant: Variant, key: str) -> Manifest | None:
    strategy = variant.roles[key].strategy
    if variant.is_bare(key):
        return _written(strategy) if strategy is not None else None
    if strategy is not None and strategy.type == "Recreate":
        return {"type": "Recreate"}
    role = variant.roles[key]
    in_place = bool(accelerator_request(variant, key)) or has_claimed_accelerators(role)
    surge, unavailable = ("0", "1") if in_place else ("25%", "25%")
    if strategy is not None:
        surge = strategy.max_surge or surge
        unavailable = strategy.max_unavailable or unavailable
    limits = given(maxSurge=int_or_string(surge), maxUnavailable=int_or_string(unavailable))
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def _written(strategy: Strategy) -> Manifest:
    limits = given(
        maxSurge=int_or_string(strategy.max_surge),
        maxUnavailable=int_or_string(strategy.max_unavailable),
    )
    return given(type=strategy.type, rollingUpdate=limits)
