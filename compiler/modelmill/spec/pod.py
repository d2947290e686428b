"""Pod and container fields people may set beside what the compiler derives.

Kubernetes lists that people merge are mappings here, keyed by what Kubernetes keys them by;
emission turns them into lists. Field names and meaning: Kubernetes `core/v1` PodSpec and Container.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, DnsName, EnvName, LabelValue, QualifiedName, Quantity
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import Exclusive, FreeMapping, Scalar
from modelmill.spec.devices import Claim


class EnvSource(Record):
    """Where an environment variable's value comes from."""

    noun = "an environment variable"

    value_from: Exclusive = field(
        "Kubernetes EnvVarSource: one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef."
    )


EnvValue = Scalar | EnvSource


class Metadata(Record):
    """Labels and annotations added to generated objects."""

    labels: Mapping[QualifiedName, LabelValue] = field(
        "Labels to add; never part of a selector.", default=EMPTY
    )
    annotations: Mapping[QualifiedName, str] = field("Annotations to add.", default=EMPTY)


class Resources(Record):
    """What a container asks for. Accelerators are added from parallelism; leave them out here."""

    requests: Mapping[QualifiedName, Quantity] = field(
        "Requested amount by resource name.", default=EMPTY
    )
    limits: Mapping[QualifiedName, Quantity] = field("Limit by resource name.", default=EMPTY)
    claims: Mapping[DnsLabel, FreeMapping] = field(
        "Claims of the pod that the container uses, by name: {request}. The engine uses them all.",
        default=EMPTY,
    )


class Probe(Record):
    """A Kubernetes probe. The handlers replace each other as a whole."""

    noun = "a probe"
    one_of = (("httpGet", "exec", "tcpSocket", "grpc"),)

    http_get: FreeMapping | None = field(
        "HTTPGetAction; `port` defaults to the container's.", default=None
    )
    exec: FreeMapping | None = field("ExecAction.", default=None)
    tcp_socket: FreeMapping | None = field("TCPSocketAction.", default=None)
    grpc: FreeMapping | None = field("GRPCAction.", default=None)
    initial_delay_seconds: int | None = field(
        "Seconds before the first try.", default=None, minimum=0
    )
    period_seconds: int | None = field("Seconds between tries.", default=None, minimum=1)
    timeout_seconds: int | None = field(
        "Seconds until a try counts as failed.", default=None, minimum=1
    )
    success_threshold: int | None = field("Successes in a row that pass.", default=None, minimum=1)
    failure_threshold: int | None = field("Failures in a row that fail.", default=None, minimum=1)
    termination_grace_period_seconds: int | None = field(
        "Seconds to stop after this probe failed.", default=None, minimum=1
    )


class Probes(Record):
    """Probes of the engine container. Unset ones are derived from the engine."""

    startup: Probe | None = field(
        "Until it passes the other probes wait: it covers the model load.", default=None
    )
    readiness: Probe | None = field("Whether requests are sent to the pod.", default=None)
    liveness: Probe | None = field("Whether the container is restarted.", default=None)


class ContainerFields(Record):
    """Fields of a container that the compiler does not derive."""

    noun = "container"

    name: DnsLabel | None = field(
        "Name of the container where it has none by its key: `modelserver`, or `epp`.", default=None
    )
    ports: Mapping[DnsLabel, FreeMapping] = field(
        "Further ports by name, or by number where they have none: {containerPort, protocol}.",
        default=EMPTY,
    )
    volume_mounts: Mapping[str, FreeMapping] = field(
        "Mounts by mount path: {name, readOnly, subPath}.", default=EMPTY
    )
    env_from: tuple[FreeMapping, ...] = field("EnvFromSource items.", default=())
    security_context: FreeMapping | None = field(
        "SecurityContext, merged over the restricted defaults.", default=None
    )
    lifecycle: FreeMapping | None = field("Lifecycle hooks.", default=None)
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = field(
        "When the image is pulled.", default=None
    )
    working_dir: str | None = field("Working directory of the process.", default=None)
    termination_message_path: str | None = field(
        "File read for the termination message.", default=None
    )
    termination_message_policy: Literal["File", "FallbackToLogsOnError"] | None = field(
        "How that message is filled.", default=None
    )
    stdin: bool | None = field("Whether standard input stays open.", default=None)
    tty: bool | None = field("Whether it has a terminal.", default=None)
    fields: FreeMapping | None = field(
        "Further fields of the Container, as Kubernetes spells them.", default=None
    )


class Container(ContainerFields):
    """A further container or init container, keyed by its name."""

    noun = "a container"

    image: str = field("Image with a tag or digest.")
    command: tuple[str, ...] = field("Entry point.", default=())
    args: tuple[str, ...] = field("Arguments; replaced as a whole by a higher layer.", default=())
    env: Mapping[EnvName, EnvValue] = field("Environment by variable name.", default=EMPTY)
    resources: Resources | None = field("Requests and limits.", default=None)
    restart_policy: Literal["Always"] | None = field(
        "`Always` makes an init container a native sidecar.", default=None
    )
    probes: Probes | None = field("Probes of this container; none unless set.", default=None)


class Pod(Record):
    """Fields of the pod that the compiler does not derive."""

    misnomers = {
        "hostIpc": "hostIPC",
        "sidecars": "containers",
        "serviceAccount": "serviceAccountName",
        "extraConfig": "fields",
    }

    labels: Mapping[QualifiedName, LabelValue] = field(
        "Pod labels; never part of a selector.", default=EMPTY
    )
    annotations: Mapping[QualifiedName, str] = field("Pod annotations.", default=EMPTY)
    node_selector: Mapping[QualifiedName, LabelValue] = field(
        "Node labels a pod needs.", default=EMPTY
    )
    tolerations: Mapping[str, FreeMapping] = field(
        "Tolerations by taint key, or any name where `key` is given: {operator, value, effect}.",
        default=EMPTY,
    )
    affinity: FreeMapping | None = field(
        "Affinity, merged with the accelerator's node affinity.", default=None
    )
    topology_spread_constraints: Mapping[str, FreeMapping] = field(
        "Spread constraints by topology key, or any name where `topologyKey` is given; the label "
        "selector defaults to the role's pods.",
        default=EMPTY,
    )
    volumes: Mapping[DnsLabel, Exclusive] = field(
        "Volumes by name; the source is a one-of.", default=EMPTY
    )
    init_containers: Mapping[DnsLabel, Container] = field("Init containers by name.", default=EMPTY)
    containers: Mapping[DnsLabel, Container] = field(
        "Containers beside the engine, by name.", default=EMPTY
    )
    image_pull_secrets: Mapping[DnsName, FreeMapping] = field(
        "Pull secrets by name: {regcred: {}}.", default=EMPTY
    )
    security_context: FreeMapping | None = field(
        "PodSecurityContext, merged over the restricted defaults.", default=None
    )
    service_account_name: DnsName | None = field(
        "An existing ServiceAccount; none is generated then.", default=None
    )
    automount_service_account_token: bool | None = field(
        "Whether pods get an API token; not unless given.", default=None
    )
    priority_class_name: DnsName | None = field("PriorityClass.", default=None)
    scheduler_name: str | None = field("Scheduler that places the pods.", default=None)
    runtime_class_name: DnsName | None = field("RuntimeClass.", default=None)
    termination_grace_period_seconds: int | None = field(
        "Seconds to finish running requests.", default=None, minimum=0
    )
    enable_service_links: bool | None = field(
        "Whether Services appear as environment variables.", default=None
    )
    share_process_namespace: bool | None = field(
        "One process namespace for all containers.", default=None
    )
    host_aliases: tuple[FreeMapping, ...] = field("HostAlias items.", default=())
    dns_policy: str | None = field("DNS policy.", default=None)
    dns_config: FreeMapping | None = field("DNS configuration.", default=None)
    host_network: bool | None = field("Whether pods have the node's network.", default=None)
    host_ipc: bool | None = field(
        "Whether pods have the node's IPC namespace, as some RDMA and NVSHMEM set-ups need.",
        default=None,
    )
    host_pid: bool | None = field("Whether pods have the node's process namespace.", default=None)
    resource_claims: Mapping[DnsLabel, Claim] = field(
        "Claims of further devices by name: RDMA, IMEX channels.", default=EMPTY
    )
    fields: FreeMapping | None = field(
        "Further fields of the PodSpec, as Kubernetes spells them.", default=None
    )
