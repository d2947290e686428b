"""PodDisruptionBudget of each role that asks for one."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import given, int_or_string
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        budget = role.pod_disruption_budget
        if budget is None:
            continue
        available, unavailable = budget.min_available, budget.max_unavailable
        if available is None and unavailable is None:
            unavailable = "1"
        yield resource(
            "policy/v1",
            "PodDisruptionBudget",
            variant.workload_name(key),
            labels=names.labels(variant.name, key, variant.labels),
            spec={
                **given(
                    minAvailable=int_or_string(available), maxUnavailable=int_or_string(unavailable)
                ),
                "selector": {"matchLabels": variant.selector(key)},
            },
        )
