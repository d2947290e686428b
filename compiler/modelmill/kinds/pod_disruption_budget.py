"""PodDisruptionBudget of each role and of the endpoint picker, where one asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import Manifest, given, int_or_string
from modelmill.resource import Resource, resource
from modelmill.sharing import GATEWAY, INSIDE, MONITORS, PLACE, PODS, shared
from modelmill.spec.role import PodDisruptionBudget
from modelmill.variant import Variant

PICKER = "epp"


@shared(*PLACE, *GATEWAY, *MONITORS, *INSIDE, *PODS)
def emit(variant: Variant) -> Iterable[Resource]:
    found = []
    for key, role in variant.roles.items():
        if role.pod_disruption_budget is not None:
            name, selector = variant.workload_name(key), variant.pods_of(key)
            found.append(_budget(variant, role.pod_disruption_budget, key, name, selector))
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.pod_disruption_budget is not None:
        name, selector = variant.picker_name, {"matchLabels": variant.component_labels(PICKER)}
        # Pickers that do not lead are never ready: their nodes could not be drained otherwise.
        policy = "AlwaysAllow" if scheduler.replicas > 1 else None
        budget = scheduler.pod_disruption_budget
        found.append(_budget(variant, budget, PICKER, name, selector, unready=policy))
    return found


def _budget(
    variant: Variant,
    budget: PodDisruptionBudget,
    component: str,
    name: str,
    selector: Manifest,
    *,
    unready: str | None = None,
) -> Resource:
    """A budget that says nothing lets one pod go at a time."""
    available, unavailable = budget.min_available, budget.max_unavailable
    if available is None and unavailable is None:
        unavailable = "1"
    return resource(
        "policy/v1",
        "PodDisruptionBudget",
        name,
        labels=names.labels(variant.name, component, variant.labels),
        spec={
            **given(
                minAvailable=int_or_string(available), maxUnavailable=int_or_string(unavailable)
            ),
            "selector": selector,
            **given(unhealthyPodEvictionPolicy=unready),
        },
    )
