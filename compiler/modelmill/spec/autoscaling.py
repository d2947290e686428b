"""What sets the number of replicas, and by which signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

from modelmill.formats import DnsLabel, DnsName, Duration, Number, Quantity
from modelmill.record import EMPTY, KeptShape, Record, field
from modelmill.shapes import FreeMapping
from modelmill.spec.pod import Metadata

Signal = Literal[
    "queue-size",
    "running-requests",
    "pool-saturation",
    "engine-waiting",
    "engine-running",
    "kv-cache-usage",
    "ttft-p90",
    "tpot-p90",
]
"""What can be asked of a Prometheus about a model: see `promql`."""
SIGNALS: tuple[str, ...] = get_args(Signal)


class Trigger(Record):
    """A signal and how much of it one replica takes. The key names it; it is the signal unless
    `signal` or `query` says otherwise."""

    noun = "a trigger"
    one_of = (("signal", "query"),)
    misnomers = {"threshold": "target", "metric": "signal", "expr": "query"}

    signal: Signal | None = field(
        "What is looked at; the PromQL is generated for this model, role and namespace.",
        default=None,
    )
    query: str | None = field("PromQL of your own, instead.", default=None)
    target: Number = field("How much of it there should be: requests, seconds, or parts of 1.")
    type: Literal["AverageValue", "Value"] | None = field(
        "Whether `target` is of one replica (AverageValue) or of all (Value). Of all for "
        "saturation and percentiles, of one for others, unless given.",
        default=None,
    )
    activation: Number | None = field(
        "Above which replicas leave zero; KEDA's, 0 unless given.", default=None
    )


class AuthenticationRef(Record):
    """A TriggerAuthentication of KEDA that exists."""

    noun = "an authentication"

    name: DnsName = field("Its name.")
    kind: Literal["TriggerAuthentication", "ClusterTriggerAuthentication"] = field(
        "Its kind.", default="TriggerAuthentication"
    )


class Prometheus(Record):
    """The Prometheus that scrapes this cluster, as scalers and dashboards reach it."""

    noun = "prometheus"
    misnomers = {"url": "serverAddress", "address": "serverAddress"}

    server_address: str = field("Its address: http://prometheus.monitoring.svc:9090.")
    unsafe_ssl: bool = field("Whether its certificate is not checked.", default=False)
    auth_modes: str | None = field("KEDA's authModes: bearer, basic, tls.", default=None)
    authentication: AuthenticationRef | None = field(
        "Credentials for KEDA; needed with `authModes`.", default=None
    )


class ScalingPolicy(Record):
    """How far replicas may move in a time."""

    noun = "a scaling policy"

    type: Literal["Pods", "Percent"] = field("What `value` is: pods, or percent of them.")
    value: int = field("How many of them.", minimum=1)
    period_seconds: int = field("In how many seconds.", minimum=1, maximum=1800)


class ScalingRules(Record):
    """How replicas move in one direction."""

    noun = "a direction of scaling"

    stabilization_window_seconds: int | None = field(
        "Seconds that are looked back at, so that replicas do not flap.",
        default=None,
        minimum=0,
        maximum=3600,
    )
    select_policy: Literal["Max", "Min", "Disabled"] | None = field(
        "Which policy counts, or that none does and replicas stay.", default=None
    )
    policies: tuple[ScalingPolicy, ...] = field("Policies.", default=())
    tolerance: Quantity | None = field(
        "How far a signal may be off before replicas move, in parts of 1; needs a feature gate of "
        "the cluster.",
        default=None,
    )


class Behavior(Record):
    """A HorizontalPodAutoscalerBehavior."""

    noun = "behavior"

    scale_up: ScalingRules | None = field("How replicas grow.", default=None)
    scale_down: ScalingRules | None = field("How they shrink.", default=None)


BehaviorMapping: TypeAlias = Annotated[Any, KeptShape(Behavior)]


class ScalingModifiers(Record):
    """One signal made of several (KEDA)."""

    noun = "scalingModifiers"

    formula: str | None = field(
        "Formula over the triggers' names, in which `_` stands for `-`.", default=None
    )
    target: Number | None = field("How much of its result there should be.", default=None)
    activation_target: Number | None = field(
        "Above which result replicas leave zero.", default=None
    )
    metric_type: Literal["AverageValue", "Value"] | None = field(
        "Whether `target` is of one replica or of all; AverageValue unless given.", default=None
    )


class Fallback(Record):
    """Replicas while a signal cannot be had (KEDA)."""

    noun = "the fallback"

    failure_threshold: int = field("Failures in a row that count.", default=3, minimum=1)
    replicas: int = field("Replicas then.", minimum=0)
    behavior: (
        Literal["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]
        | None
    ) = field("Which of these and the present ones; static unless given.", default=None)


class Autoscaling(Record):
    """Who sets the number of replicas; the workload is then emitted without one. Another `by` in a
    higher layer replaces it as a whole."""

    noun = "autoscaling"
    tag = "by"
    misnomers = {
        "min": "minReplicas",
        "max": "maxReplicas",
        "idleReplicaCount": "idleReplicas",
        "scaleToZero": "idleReplicas",
        "minReplicaCount": "minReplicas",
        "maxReplicaCount": "maxReplicas",
        "metrics": "triggers",
        "enabled": "by",
        "variant-cost": "variantCost",
    }

    by: Literal["hpa", "keda", "wva", "external"] = field(
        "What scales: a HorizontalPodAutoscaler, a ScaledObject of KEDA, llm-d's workload variant "
        "autoscaler (wva), or a scaler that is not declared here (external)."
    )
    min_replicas: int = field("Least number of replicas.", default=1, minimum=1, maximum=1_000_000)
    max_replicas: int | None = field(
        "Greatest number of replicas; needed unless the scaler is external.",
        default=None,
        minimum=1,
        maximum=1_000_000,
    )
    triggers: Mapping[DnsLabel, Trigger] = field(
        "Signals by name. The one that wants most replicas decides. wva has its own.",
        default=EMPTY,
    )
    further_triggers: Mapping[DnsLabel, FreeMapping] = field(
        "Triggers of KEDA, or metrics of an HPA, by name, as these spell them: a cron schedule.",
        default=EMPTY,
    )
    idle_replicas: int | None = field(
        "Replicas while no trigger is active: 0, or those of `minReplicas` unless given (KEDA).",
        default=None,
        minimum=0,
    )
    polling_interval: int | None = field(
        "Seconds between looks at the signals (KEDA).", default=None, minimum=1
    )
    cooldown_period: int | None = field(
        "Seconds without an active trigger until replicas are idle (KEDA).", default=None, minimum=0
    )
    initial_cooldown_period: int | None = field(
        "Seconds until that is looked at for the first time (KEDA).", default=None, minimum=0
    )
    fallback: Fallback | None = field("Replicas while signals are missing (KEDA).", default=None)
    behavior: BehaviorMapping | None = field(
        "HorizontalPodAutoscalerBehavior: {scaleUp, scaleDown}.", default=None
    )
    scaling_modifiers: ScalingModifiers | None = field(
        "One signal made of the triggers' (KEDA).", default=None
    )
    restore_to_original_replica_count: bool | None = field(
        "Whether replicas go back to where they were when the ScaledObject goes.", default=None
    )
    variant_cost: Number | None = field(
        "What a replica costs beside the model's other variants (wva); 10.0 unless given.",
        default=None,
    )
    actuator: Literal["hpa", "keda"] = field(
        "What does as the workload variant autoscaler says.", default="hpa"
    )
    name: DnsName | None = field(
        "Name of the scaler, to adopt one that runs; the workload's unless given.", default=None
    )
    metadata: Metadata | None = field(
        "Labels and annotations of the scaler; labels of the rule it reads as well.", default=None
    )
    window: Duration = field("Time that rates and percentiles of signals are over.", default="5m")
