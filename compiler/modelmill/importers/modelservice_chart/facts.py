"""What is known of a release of the llm-d ModelService chart besides its objects.

In: nothing. Out: the values `render` returns. A `Path` leads into the values file, like
("decode", "containers", 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from modelmill.diagnostics import Diagnostic
from modelmill.tuples import NamedTuple

Path: TypeAlias = tuple[str | int, ...]
Role: TypeAlias = Literal["decode", "prefill"]
ModelCommand: TypeAlias = Literal["vllmServe", "imageDefault", "custom"]
WorkloadKind: TypeAlias = Literal["Deployment", "LeaderWorkerSet", "ReplicaSet"]

ROLES: tuple[Role, ...] = ("decode", "prefill")


class Parallelism(NamedTuple):
    """Effective sizes of a role; None where the values leave it unset and it is 1.

    tensor      ranks of one data-parallel rank
    data        data-parallel ranks of a replica
    data_local  data-parallel ranks of a pod
    workers     pods of a replica
    """

    tensor: int | None = None
    data: int | None = None
    data_local: int | None = None
    workers: int | None = None


class Claim(NamedTuple):
    """The ResourceClaimTemplate the chart makes for a role, and the pod's claim of it."""

    template: str
    name: str
    request: str
    device_class: str
    devices: int
    match: str
    selectors: tuple[Mapping[str, Any], ...]
    made: bool
    """False where the chart names a template that it does not make."""


class Accelerator(NamedTuple):
    """What a role's engine runs on.

    type      the values' own word: nvidia, intel-xe, cpu, …
    resource  the extended resource; None for cpu, a simulator, DRA, or a type without one
    per_pod   accelerators a pod asks for; 0 where resource and claim are both None
    """

    type: str
    resource: str | None
    per_pod: int
    dra: bool
    claim: Claim | None = None


class Container(NamedTuple):
    """One container of a role's pod, as the values list it.

    model      the argument that names the weights; None where the chart gives none
    chart_env  names of the entries the chart adds, in order
    """

    name: str
    path: Path
    model_command: ModelCommand
    model: str | None
    mounts_model: bool
    chart_env: tuple[str, ...]


class RoleFacts(NamedTuple):
    """A role: its workload, and what its objects follow from.

    replicas      None where the number is left to a scaler
    engine        index into `containers`
    engine_port   the port the chart makes the engine listen on
    sidecar       whether the pod has the routing sidecar
    native_multi_node  the pods of a group need ranks and an address that the chart does not give:
                  to be written in the compiler's own form
    """

    role: Role
    path: Path
    kind: WorkloadKind
    name: str
    selector: Mapping[str, str]
    replicas: int | None
    parallelism: Parallelism
    accelerator: Accelerator
    engine_port: int
    sidecar: bool
    containers: tuple[Container, ...]
    engine: int
    native_multi_node: bool


class ModelFacts(NamedTuple):
    """`modelArtifacts`, its templates evaluated and the quotes of `hf://"…"` taken off."""

    name: str
    uri: str
    scheme: str
    size: str | None
    mount_path: str
    read_only: bool
    auth_secret: str | None
    labels: Mapping[str, str]


class Proxy(NamedTuple):
    """The routing sidecar's own settings; `options` are those that become flags."""

    image: str
    image_pull_policy: str
    connector: str
    target_port: int
    options: Mapping[str, Any]


class RoutingFacts(NamedTuple):
    """`routing`; `proxy` is None where the sidecar is off.

    picker, pool, route  names of the objects of chart v0.2, where it makes them
    parent_refs          gateways the values name; the current chart makes no route to them
    """

    service_port: int
    proxy: Proxy | None
    picker: str | None = None
    pool: str | None = None
    route: str | None = None
    parent_refs: tuple[Mapping[str, Any], ...] = ()


class RequesterFacts(NamedTuple):
    """`requester` (dual pods); gpus is what the requester's pod asks for."""

    image: str
    admin_port: int
    probes_port: int
    spi_port: int
    gpus: int


class TracingFacts(NamedTuple):
    """`tracing`, where it is enabled."""

    endpoint: str
    sampler: str
    sampler_arg: str
    service_names: Mapping[str, str]
    collect_detailed_traces: str


class Rendered(NamedTuple):
    """A release: what runs, and why.

    objects   manifests in the order Helm gives them, corrected; () where the values are refused
    findings  errors where the values cannot be taken over; warnings for what was corrected and for
              what runs with a defect
    """

    release: str
    namespace: str
    generation: str
    objects: tuple[dict[str, Any], ...]
    roles: Mapping[Role, RoleFacts]
    model: ModelFacts | None
    routing: RoutingFacts | None
    requester: RequesterFacts | None
    tracing: TracingFacts | None
    findings: tuple[Diagnostic, ...]
