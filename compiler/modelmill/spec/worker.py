"""Groups of pods: one replica over several nodes, as a LeaderWorkerSet has it.

Field names and meaning: kubernetes-sigs/lws, api/leaderworkerset/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import EnvName, FlagName
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping, Json, Scalar
from modelmill.spec.pod import ContainerFields, EnvValue, Pod, Probes, Resources


class SubGroup(Record):
    """A part of a group that is placed together."""

    noun = "a subgroup"

    size: int = field("Pods in a subgroup; immutable on a live object.", minimum=1)
    type: Literal["LeaderWorker", "LeaderExcluded"] | None = field(
        "Whether the leader is in the first subgroup; LeaderWorker unless given.", default=None
    )


class Worker(Record):
    """Makes a replica a group of pods, one leader and its workers: a LeaderWorkerSet. `worker: {}`
    is enough; what is set here holds for workers, over what the role has for its leader, and null
    takes it away from them."""

    noun = "worker"
    one_of = (("args", "argv"),)
    misnomers = {
        "replicas": "size",
        "workers": "size",
        "nodes": "size",
        "subGroupPolicy": "subGroup",
        "image": "",
    }

    size: int | None = field(
        "Pods in a group, the leader included; from parallelism unless given.",
        default=None,
        minimum=1,
    )
    restart_policy: (
        Literal["RecreateGroupOnPodRestart", "RecreateGroupAfterStart", "None"] | None
    ) = field(
        "What a pod's restart does to its group; RecreateGroupOnPodRestart unless given.",
        default=None,
    )
    startup_policy: Literal["LeaderCreated", "LeaderReady"] | None = field(
        "When workers start: with the leader, or once it is ready. LeaderCreated unless given.",
        default=None,
    )
    subdomain_policy: Literal["Shared", "UniquePerReplica"] | None = field(
        "Whether groups share one headless Service.", default=None
    )
    exclusive_topology: str | None = field(
        "Node label whose domain a group has for itself: a rack, a block.", default=None
    )
    sub_group: SubGroup | None = field("Subgroups of a group.", default=None)
    sub_group_exclusive_topology: str | None = field(
        "Node label whose domain a subgroup has for itself: kubernetes.io/hostname.", default=None
    )
    volume_claim_templates: Mapping[str, FreeMapping] = field(
        "PersistentVolumeClaims of each pod, by name: the spec of each.", default=EMPTY
    )
    command: tuple[str, ...] = field("Entry point of workers.", default=())
    args: Mapping[FlagName, Json] = field(
        "Engine flags of workers, over the leader's.", default=EMPTY
    )
    argv: tuple[Scalar, ...] = field("Arguments of workers word for word.", default=())
    env: Mapping[EnvName, EnvValue] = field(
        "Environment of workers, over the leader's.", default=EMPTY
    )
    resources: Resources | None = field("CPU, memory and others of a worker.", default=None)
    probes: Probes | None = field("Probes of workers, over the leader's.", default=None)
    pod: Pod | None = field("Pod fields of workers, over the leader's.", default=None)
    container: ContainerFields | None = field(
        "Engine container fields of workers, over the leader's.", default=None
    )
