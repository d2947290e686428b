"""What a ScaledObject of KEDA says of a role: its settings and its triggers.

In: a variant, a role's key and its autoscaling. Out: fields of the ScaledObject's specification,
which KServe's `scaling` spells alike (keda.sh/v1alpha1; kedacore/keda, pkg/scalers). An empty
answer is an error, not a zero: else a signal that is lost would take every replica but the least.
"""

from __future__ import annotations

from modelmill import autoscaling
from modelmill.autoscaling import WVA_METRIC
from modelmill.containers import Manifest, given, keyed
from modelmill.promql import selector
from modelmill.spec.autoscaling import (
    Autoscaling,
    Fallback,
    Prometheus,
    ScalingModifiers,
    Trigger,
)
from modelmill.variant import Variant

WVA_TRIGGER = "wva-desired-replicas"


def settings(scaling: Autoscaling) -> Manifest:
    """How KEDA looks, and what it does when it cannot."""
    return given(
        pollingInterval=scaling.polling_interval,
        cooldownPeriod=scaling.cooldown_period,
        initialCooldownPeriod=scaling.initial_cooldown_period,
        idleReplicaCount=scaling.idle_replicas,
        fallback=_fallback(scaling.fallback),
        advanced=_advanced(scaling),
    )


def _fallback(fallback: Fallback | None) -> Manifest | None:
    if fallback is None:
        return None
    return {
        "failureThreshold": fallback.failure_threshold,
        "replicas": fallback.replicas,
        "behavior": fallback.behavior or "static",
    }


def _advanced(scaling: Autoscaling) -> Manifest:
    autoscaler = given(behavior=dict(scaling.behavior) if scaling.behavior else None)
    return given(
        restoreToOriginalReplicaCount=scaling.restore_to_original_replica_count,
        horizontalPodAutoscalerConfig=autoscaler,
        scalingModifiers=_modifiers(scaling.scaling_modifiers),
    )


def _modifiers(modifiers: ScalingModifiers | None) -> Manifest | None:
    """Numbers are strings there."""
    if modifiers is None:
        return None
    return given(
        formula=modifiers.formula,
        target=modifiers.target,
        activationTarget=modifiers.activation_target,
        metricType=modifiers.metric_type,
    )


def triggers(variant: Variant, key: str, scaling: Autoscaling) -> list[Manifest]:
    if scaling.by == "wva":
        return [_wva_trigger(variant, key)]
    signals = [
        _trigger(
            variant.spec.prometheus,
            autoscaling.trigger_name(scaling, name),
            asked=autoscaling.asked(variant, key, name, trigger),
            metric_type=autoscaling.target_type(name, trigger),
            trigger=trigger,
        )
        for name, trigger in scaling.triggers.items()
    ]
    further = {autoscaling.trigger_name(scaling, k): v for k, v in scaling.further_triggers.items()}
    return [*signals, *keyed(further, "name")]


def _wva_trigger(variant: Variant, key: str) -> Manifest:
    where = {
        "variant_name": autoscaling.scaler_name(variant, key),
        **given(exported_namespace=variant.namespace),
    }
    # Two pods of the autoscaler are two series for a while, and KEDA takes one value.
    return _trigger(
        variant.spec.prometheus,
        WVA_TRIGGER,
        asked=f"max({WVA_METRIC}{selector(where)})",
        metric_type="AverageValue",
        trigger=Trigger(target="1"),
    )


def _trigger(
    prometheus: Prometheus | None,
    name: str,
    *,
    asked: str | None,
    metric_type: str,
    trigger: Trigger,
) -> Manifest:
    reference = prometheus.authentication if prometheus else None
    credentials = {"name": reference.name, "kind": reference.kind} if reference else None
    return {
        "type": "prometheus",
        "name": name,
        "metricType": metric_type,
        "metadata": {
            **given(serverAddress=prometheus.server_address if prometheus else None),
            "query": asked,
            "threshold": trigger.target,
            **given(
                activationThreshold=trigger.activation,
                unsafeSsl="true" if prometheus and prometheus.unsafe_ssl else None,
                authModes=prometheus.auth_modes if prometheus else None,
            ),
            "ignoreNullValues": "false",
        },
        **given(authenticationRef=credentials),
    }
