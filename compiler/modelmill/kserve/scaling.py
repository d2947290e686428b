"""Scaling of a workload of KServe: by the workload variant autoscaler, or by KEDA alone.

In: a variant and a role's key. Out: `replicas` or `scaling` (kserve/kserve, pkg/apis/serving/
v1alpha2, ScalingSpec). A scaler that it has no field for is emitted beside the resource.
"""

from __future__ import annotations

from modelmill import keda
from modelmill.autoscaling import DEFAULT_COST, has_field
from modelmill.containers import Manifest, given
from modelmill.spec.autoscaling import Autoscaling
from modelmill.variant import Variant


def replicas(variant: Variant, key: str) -> Manifest:
    """`replicas`, `scaling`, or neither where another scaler sets them. What the API server fills
    in is written out."""
    role = variant.roles[key]
    scaling = role.autoscaling
    if scaling is None:
        return {"replicas": role.replicas}
    if not has_field(scaling):
        return {}
    bounds = given(minReplicas=scaling.min_replicas, maxReplicas=scaling.max_replicas)
    if scaling.by == "wva":
        return {"scaling": {**bounds, "wva": _wva(scaling)}}
    triggers = keda.triggers(variant, key, scaling)
    return {"scaling": {**bounds, "keda": {**keda.settings(scaling), "triggers": triggers}}}


def _wva(scaling: Autoscaling) -> Manifest:
    actuator = (
        {"hpa": given(behavior=dict(scaling.behavior) if scaling.behavior else None)}
        if scaling.actuator == "hpa"
        else {"keda": keda.settings(scaling)}
    )
    return {"variantCost": scaling.variant_cost or DEFAULT_COST, **actuator}
