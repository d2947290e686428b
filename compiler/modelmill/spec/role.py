"""Roles: the groups of identical pods that serve a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import (
    DnsName,
    Duration,
    IntOrPercent,
    LabelValue,
    QualifiedName,
    Quantity,
)
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping
from modelmill.spec.autoscaling import Autoscaling
from modelmill.spec.dual_pods import DualPods
from modelmill.spec.engine import Accelerator, Engine, KvTransfer, Parallelism
from modelmill.spec.kv_cache import KvCacheOffloading, KvEvents
from modelmill.spec.pod import ContainerFields, Metadata, Pod, Probes, Resources
from modelmill.spec.worker import Worker

RoleType = Literal["decode", "prefill", "prefill-decode"]
ROLE_TYPES: tuple[str, ...] = ("decode", "prefill", "prefill-decode")


class Strategy(Record):
    """How pods are replaced. With accelerators the default never needs a spare one."""

    noun = "strategy"

    type: Literal["RollingUpdate", "Recreate"] | None = field(
        "Deployment strategy; RollingUpdate unless given.", default=None
    )
    max_surge: IntOrPercent | None = field("Pods above `replicas` during a rollout.", default=None)
    max_unavailable: IntOrPercent | None = field(
        "Pods below `replicas` during a rollout.", default=None
    )
    partition: int | None = field(
        "Groups with a lower number stay as they are; of a role with `worker`.",
        default=None,
        minimum=0,
    )


class PodDisruptionBudget(Record):
    """How many pods a voluntary disruption may take."""

    noun = "podDisruptionBudget"
    one_of = (("minAvailable", "maxUnavailable"),)

    min_available: IntOrPercent | None = field("Pods that must stay.", default=None)
    max_unavailable: IntOrPercent | None = field("Pods that may go.", default=None)


class PodMonitor(Record):
    """Scraping of the pods by the Prometheus operator."""

    noun = "podMonitor"
    misnomers = {"scrapeInterval": "interval", "enabled": ""}

    interval: Duration = field("Time between scrapes.", default="30s")
    scrape_timeout: Duration | None = field("Time until a scrape fails.", default=None)
    path: str | None = field("Metrics path; the engine's own unless set.", default=None)
    labels: Mapping[QualifiedName, LabelValue] = field(
        "Labels a Prometheus selects monitors by.", default=EMPTY
    )
    annotations: Mapping[QualifiedName, str] = field("Annotations of the monitor.", default=EMPTY)
    port: str | None = field("Name of the scraped port; the engine's unless given.", default=None)
    relabelings: tuple[FreeMapping, ...] = field(
        "Relabelling of targets before the scrape.", default=()
    )
    metric_relabelings: tuple[FreeMapping, ...] = field(
        "Relabelling of samples after the scrape.", default=()
    )
    name: DnsName | None = field(
        "Name of the monitor, to adopt one that runs; the workload's unless given.", default=None
    )
    fields: FreeMapping | None = field(
        "Further fields of the PodMonitor's spec, as its CRD spells them.", default=None
    )


class Workload(Record):
    """What a role's pods are made of. At the top of `spec` it holds for every role; a role's own
    wins over what stands there in the same layer."""

    replicas: int = field(
        "Number of pods of a role, or of groups of pods where it has `worker`.",
        default=1,
        minimum=0,
        maximum=1_000_000,
    )
    autoscaling: Autoscaling | None = field(
        "Leaves `replicas` to a scaler, which is emitted unless it is external.", default=None
    )
    defaults: Literal["recommended", "none"] = field(
        "Whether pods get what a server should have (probes, security context, ports, labels, "
        "rollout strategy, environment), or only what is written. `none` keeps pods that run as "
        "they are.",
        default="recommended",
    )
    engine: Engine | None = field("The serving engine.", default=None)
    accelerator: Accelerator | None = field("The accelerator the engine runs on.", default=None)
    resources: Resources | None = field(
        "CPU, memory and other resources of the engine container.", default=None
    )
    shared_memory: Quantity | None = field(
        "Size limit of /dev/shm; without it no memory volume is mounted there.", default=None
    )
    kv_transfer: KvTransfer | None = field(
        "KV cache transfer between prefill and decode.", default=None
    )
    kv_cache_offloading: KvCacheOffloading | None = field(
        "Where KV cache goes that the accelerator has no room for.", default=None
    )
    kv_events: KvEvents | None = field(
        "Tells the endpoint picker which blocks a pod holds.", default=None
    )
    probes: Probes | None = field(
        "Probes of the engine container, merged over derived ones.", default=None
    )
    strategy: Strategy | None = field("How pods are replaced.", default=None)
    pod_disruption_budget: PodDisruptionBudget | None = field(
        "Emits a PodDisruptionBudget.", default=None
    )
    pod_monitor: PodMonitor | None = field("Emits a PodMonitor.", default=None)
    metadata: Metadata | None = field(
        "Labels and annotations of the generated objects.", default=None
    )
    pod: Pod | None = field("Pod fields the compiler does not derive.", default=None)
    container: ContainerFields | None = field(
        "Engine container fields the compiler does not derive.", default=None
    )


class Role(Workload):
    """A group of identical pods. The key names it; `type` says what part of a request it serves."""

    noun = "a role"
    one_of = (("worker", "dualPods"),)
    misnomers = {
        "count": "replicas",
        "requester": "dualPods",
        "tensorParallel": "parallelism",
        "tp": "parallelism",
        "monitoring": "podMonitor",
        "parallel": "parallelism",
        "gpu": "accelerator",
        "pdb": "podDisruptionBudget",
        "args": "engine",
        "env": "engine",
        "image": "engine",
        "nodeSelector": "pod",
        "tolerations": "pod",
        "shm": "sharedMemory",
        "scaling": "autoscaling",
        "hpa": "autoscaling",
        "keda": "autoscaling",
        "wva": "autoscaling",
        "offloading": "kvCacheOffloading",
    }

    type: RoleType | None = field(
        "Part of a request it serves, as llm-d.ai/role spells it; the role's key unless given.",
        default=None,
    )
    extends: tuple[str, ...] = field(
        "Presets laid under this role only, such as another accelerator.", default=()
    )
    parallelism: Parallelism | None = field(
        "How one replica is spread over accelerators.", default=None
    )
    worker: Worker | None = field(
        "Makes a replica a group of pods on several nodes: a LeaderWorkerSet.", default=None
    )
    dual_pods: DualPods | None = field(
        "Makes the role a ReplicaSet of requesters that hold accelerators for sleeping servers.",
        default=None,
    )
    name: DnsName | None = field(
        "Name of the workload, to adopt one that runs; model and role unless given. Only a model "
        "sets it, for all environments.",
        default=None,
    )
    selector: Mapping[QualifiedName, LabelValue] | None = field(
        "Labels the workload knows its pods by, to adopt one that runs; immutable on a live "
        "object. Only a model sets it, for all environments.",
        default=None,
    )


SHARED: tuple[str, ...] = tuple(Workload._declared)
"""Keys that stand at the top of `spec` for all roles and in one role for itself."""
