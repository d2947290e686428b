"""ScaledObject of each role that has one: `by: keda`, or `wva` with KEDA as actuator.

Upstream: keda.sh/v1alpha1. KEDA makes a HorizontalPodAutoscaler of its own of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import autoscaling, keda
from modelmill.autoscaling import SCALED_OBJECT
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for key, scaling in autoscaling.scalers(variant, SCALED_OBJECT):
        api_version, kind, name = autoscaling.target(variant, key)
        settings = keda.settings(scaling)
        after = {part: settings.pop(part) for part in ("fallback", "advanced") if part in settings}
        yield resource(
            variant.versions.apis[SCALED_OBJECT],
            SCALED_OBJECT,
            autoscaling.scaler_name(variant, key),
            labels=autoscaling.scaler_labels(variant, key, scaling),
            annotations=autoscaling.scaler_annotations(variant, scaling),
            spec={
                "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name},
                **settings,
                **given(minReplicaCount=scaling.min_replicas, maxReplicaCount=scaling.max_replicas),
                **after,
                "triggers": keda.triggers(variant, key, scaling),
            },
        )
