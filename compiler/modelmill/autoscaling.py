"""What scales a role, and by what: shared by the objects that scale and the rules about them.

In: a variant and a role's key. Out: the workload that is scaled, what its scaler is called, and
what it asks Prometheus.

The workload variant autoscaler (WVA) has no object of its own: it finds what it steers by
annotations of the HorizontalPodAutoscaler or ScaledObject that does as it says
(llm-d/llm-d-workload-variant-autoscaler, internal/annotations), in release 0.8 as in later ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modelmill import names
from modelmill.promql import query, query_or_zero
from modelmill.spec.autoscaling import SIGNALS, Autoscaling, Trigger
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
RECORD = "modelmill:scaling_signal"
"""Series a HorizontalPodAutoscaler scales by, told apart by the labels WORKLOAD and TRIGGER."""
WORKLOAD, TRIGGER = "workload", "trigger"
WVA_METRIC = "wva_desired_replicas"
MANAGED = "llm-d.ai/managed"
MODEL_ID = "llm-d.ai/model-id"
VARIANT_COST = "llm-d.ai/variant-cost"
ACCELERATOR = "inference.optimization/acceleratorName"
DEFAULT_COST = "10.0"
UNKNOWN = "unknown"
RESOURCE_TRIGGERS = ("cpu", "memory")
"""Types of KEDA's triggers that it leaves to the HorizontalPodAutoscaler: they are of pods that
there are, have no name in a formula, and wake nothing."""
SHARES = ("pool-saturation", "ttft-p90", "tpot-p90")
"""Signals that more replicas lower, and that no number of replicas divides."""
_SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")


class Target(NamedTuple):
    """A workload whose number of replicas is not in Git."""

    api_version: str
    kind: str
    name: str


def target(variant: Variant, key: str) -> Target:
    """The workload of a role, as a scaler refers to it."""
    role, name = variant.roles[key], variant.workload_name(key)
    if role.worker is not None:
        return Target(variant.versions.apis["LeaderWorkerSet"], "LeaderWorkerSet", name)
    return Target("apps/v1", "Deployment" if role.dual_pods is None else "ReplicaSet", name)


def scaled_workloads(variant: Variant) -> tuple[Target, ...]:
    """Every workload whose `replicas` is a scaler's, declared here or elsewhere: what a delivery
    that would write them must keep its hands off."""
    return tuple(target(variant, key) for key, role in variant.roles.items() if role.autoscaling)


def scalers(variant: Variant, kind: str) -> Iterator[tuple[str, Autoscaling]]:
    """Roles that are scaled by an object of a kind, HPA or SCALED_OBJECT, which KServe does not
    make."""
    for key, role in variant.roles.items():
        scaling = role.autoscaling
        is_made = variant.kserve is not None and scaling is not None and has_field(scaling)
        if scaling is not None and scaler_kind(scaling) == kind and not is_made:
            yield key, scaling


def has_field(scaling: Autoscaling) -> bool:
    """Whether KServe's `scaling` says all of it: not a scaler's own name, its labels, or an HPA's
    behavior under KEDA, which a rule of its schema refuses (`kserve.rules`)."""
    if scaling.name is not None or scaling.metadata is not None:
        return False
    if scaling.by == "wva":
        further = scaling.behavior or scaling.restore_to_original_replica_count is not None
        return scaling.actuator == "hpa" or not further
    return scaling.by == "keda" and scaling.behavior is None


def scaler_kind(scaling: Autoscaling) -> str | None:
    """What kind of object scales; None where it is not declared here."""
    if scaling.by == "external":
        return None
    actuator = scaling.actuator if scaling.by == "wva" else scaling.by
    return HPA if actuator == "hpa" else SCALED_OBJECT


def scaler_name(variant: Variant, key: str) -> str:
    scaling = variant.roles[key].autoscaling
    return (scaling and scaling.name) or variant.workload_name(key)


def scaler_labels(variant: Variant, key: str, scaling: Autoscaling) -> dict[str, str]:
    """Labels of a scaler."""
    own = dict(scaling.metadata.labels) if scaling.metadata else {}
    if scaling.by == "wva":
        accelerator = variant.roles[key].accelerator
        product = names.label_value(accelerator.name) if accelerator else ""
        own = {ACCELERATOR: product or UNKNOWN, **own}
    return names.labels(variant.name, key, {**variant.labels, **own})


def scaler_annotations(variant: Variant, scaling: Autoscaling) -> dict[str, str]:
    """Annotations of a scaler."""
    own = dict(scaling.metadata.annotations) if scaling.metadata else {}
    if scaling.by == "wva":
        cost = scaling.variant_cost or DEFAULT_COST
        found = {MANAGED: "true", MODEL_ID: variant.spec.model.name, VARIANT_COST: cost}
        own = {**own, **found}
    return dict(sorted(own.items()))


def signal_of(name: str, trigger: Trigger) -> str | None:
    """The signal a trigger looks at: named, or its own name; None where it has PromQL instead, or
    where its name is no signal's."""
    if trigger.query is not None:
        return None
    return trigger.signal or (name if name in SIGNALS else None)


def trigger_name(scaling: Autoscaling, key: str) -> str:
    """What KEDA calls a trigger. In a formula `-` would take one trigger from another."""
    return key.replace("-", "_") if scaling.scaling_modifiers else key


def target_type(name: str, trigger: Trigger) -> Literal["AverageValue", "Value"]:
    """Whether a trigger's `target` is of one replica or of all. What adds up over replicas is
    divided by them. A share of what all can do is not: divided, it would ask for one replica, or
    for two, whatever the load."""
    if trigger.type is not None:
        return trigger.type
    return "Value" if signal_of(name, trigger) in SHARES else "AverageValue"


def asked(variant: Variant, key: str, name: str, trigger: Trigger) -> str | None:
    """PromQL of a trigger, of one value. None where nothing measures its signal."""
    signal, scaling = signal_of(name, trigger), variant.roles[key].autoscaling
    if signal is None or scaling is None:
        return trigger.query
    if signal == "kv-cache-usage" and target_type(name, trigger) == "Value":
        return query(variant, key, signal, over="avg")
    return query_or_zero(variant, key, signal, window=scaling.window)


def canonical(number: str) -> str:
    """A number as the API server writes a quantity: 0.7 is 700m, 2000 is 2k."""
    from decimal import Decimal

    digits, place = int(Decimal(number).scaleb(9)), 0
    while digits and digits % 1000 == 0 and place < len(_SUFFIXES) - 1:
        digits, place = digits // 1000, place + 1
    return f"{digits}{_SUFFIXES[place]}" if digits else "0"
