"""How requests reach the pods: gateway route, inference pool, endpoint picker, routing sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import (
    DnsLabel,
    DnsName,
    Duration,
    EnvName,
    FlagName,
    HeaderName,
    Hostname,
    ServedName,
    UrlPath,
)
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import Scalar
from modelmill.spec.gateways import GatewayProvider
from modelmill.spec.observability import ServiceMonitor
from modelmill.spec.picker import LatencyPredictor, PickerConfig, Tokenizer
from modelmill.spec.pod import ContainerFields, EnvValue, Metadata, Pod, Resources
from modelmill.spec.role import PodDisruptionBudget, PodMonitor
from modelmill.spec.tls import Tls


class Gateway(Record):
    """The Gateway a route attaches to. Settings without a `name` make no route: a model that
    another's `split` leads to says its `provider` only."""

    name: DnsName | None = field("Name of the Gateway.", default=None)
    namespace: DnsLabel | None = field(
        "Its namespace; that of the environment's own Gateway, or the route's, unless given.",
        default=None,
    )
    section_name: str | None = field("Listener of the Gateway.", default=None)
    provider: GatewayProvider | None = field(
        "Whose implementation the Gateway is, for the objects and settings only that one needs; "
        "that of the environment's own Gateway unless given.",
        default=None,
    )


class RouteRule(Record):
    """A further rule of the HTTPRoute, before the one for all other requests. Requests must meet
    the route's own conditions too."""

    noun = "a rule of the route"
    misnomers = {"weight": "split", "backendRefs": "split", "setHeaders": "requestHeaders"}

    headers: Mapping[HeaderName, str] = field(
        "Headers a request must carry, by exact value.", default=EMPTY
    )
    path: UrlPath | None = field(
        "Path prefix, below the route's; the route's unless given.", default=None
    )
    path_rewrite: str | None = field(
        "What the path prefix becomes; unless given, the route's part of it is rewritten as there.",
        default=None,
    )
    split: Mapping[DnsLabel, int] = field(
        "Models that answer, by weight; as `routing.split` unless given.",
        default=EMPTY,
        minimum=0,
        maximum=1_000_000,
    )
    objective: str | None = field(
        "Objective of these requests, one of `routing.objectives`.", default=None
    )
    request_headers: Mapping[HeaderName, str] = field("Headers that requests get.", default=EMPTY)
    timeout: Duration | None = field("Request timeout; the route's unless given.", default=None)


class Objective(Record):
    """An InferenceObjective: what a request may say it is for, and how urgent that is."""

    noun = "an objective"

    priority: int = field(
        "Requests of a higher one go first; those below zero give way. 0 is what others have.",
        minimum=-1_000_000_000,
        maximum=1_000_000_000,
    )
    name: DnsName | None = field(
        "Name of the object, which requests give in x-llm-d-inference-objective; model and key "
        "unless given.",
        default=None,
    )


class Route(Record):
    """The HTTPRoute. All given conditions must hold for a request to match."""

    misnomers = {
        "host": "hostnames",
        "hosts": "hostnames",
        "timeouts": "timeout",
        "pathPrefix": "path",
        "requestTimeout": "timeout",
        "rewrite": "pathRewrite",
        "replacePrefixMatch": "pathRewrite",
    }

    hostnames: tuple[Hostname, ...] = field("Host names the route answers to.", default=())
    path: UrlPath = field("Path prefix a request must have.", default="/")
    path_rewrite: str | None = field(
        "What the path prefix becomes before a pod gets the request: /.", default=None
    )
    match_model: Literal["base-model", "model-name"] | None = field(
        "How requests for this model are told from those for others on the gateway. `base-model`: "
        "by X-Gateway-Base-Model-Name, which llm-d's inference payload processor sets from a "
        "ConfigMap that is emitted. `model-name`: by X-Gateway-Model-Name, the `model` of the "
        "body, with a match for each name served. Unless given, all requests match.",
        default=None,
    )
    headers: Mapping[HeaderName, str] = field(
        "Headers a request must carry, by exact value.", default=EMPTY
    )
    timeout: Duration | None = field("Request timeout; 0s is none.", default="300s")
    rules: Mapping[DnsLabel, RouteRule] = field(
        "Further rules by name, which are tried before the rule for all other requests.",
        default=EMPTY,
    )
    namespace: DnsLabel | None = field(
        "Namespace of the HTTPRoute, where the Gateway takes none from the model's; a "
        "ReferenceGrant then lets it lead to the model in an environment's.",
        default=None,
    )
    metadata: Metadata | None = field("Labels and annotations of the HTTPRoute.", default=None)


class Service(Record):
    """The Service of the model's pods."""

    noun = "the service"
    misnomers = {"enabled": "create"}

    create: bool = field("Whether it is emitted.", default=True)
    monitor: ServiceMonitor | None = field(
        "Emits a ServiceMonitor of the pods behind it.", default=None
    )


class Pool(Record):
    """The InferencePool."""

    failure_mode: Literal["FailOpen", "FailClose"] = field(
        "Whether requests go on when the endpoint picker is down.", default="FailOpen"
    )
    app_protocol: Literal["http", "kubernetes.io/h2c"] = field(
        "Protocol of the model servers.", default="http"
    )


class Scheduler(Record):
    """The endpoint picker (EPP) that chooses a pod for each request. Its `config` emits it and an
    InferencePool; without one the route goes to the Service."""

    noun = "the scheduler"
    misnomers = {
        "epp": "config",
        "args": "flags",
        "plugins": "config",
        "profiles": "config",
        "profile": "config",
        "schedulingProfiles": "config",
        "featureGates": "config",
        "monitoring": "podMonitor",
    }

    config: PickerConfig | None = field("What it chooses by.", default=None)
    image: str | None = field("Picker image; the version set's unless given.", default=None)
    replicas: int = field(
        "Pickers; more than one elect a leader.", default=1, minimum=1, maximum=10
    )
    resources: Resources | None = field("Requests and limits of the picker.", default=None)
    flags: Mapping[FlagName, Scalar] = field(
        "Further flags of the picker, without dashes.", default=EMPTY
    )
    env: Mapping[EnvName, EnvValue] = field("Environment of the picker.", default=EMPTY)
    tokenizer: Tokenizer | None = field(
        "A server that turns prompts into tokens for the picker.", default=None
    )
    latency_predictor: LatencyPredictor | None = field(
        "Servers beside the picker that predict latencies.", default=None
    )
    pod_monitor: PodMonitor | None = field("Emits a PodMonitor for the picker.", default=None)
    service_monitor: ServiceMonitor | None = field(
        "Emits a ServiceMonitor for the picker.", default=None
    )
    pod_disruption_budget: PodDisruptionBudget | None = field(
        "Emits a PodDisruptionBudget for the picker.", default=None
    )
    metadata: Metadata | None = field("Labels and annotations of its Deployment.", default=None)
    pod: Pod | None = field("Pod fields of the picker, further containers included.", default=None)
    container: ContainerFields | None = field("Further fields of its container.", default=None)


class Sidecar(Record):
    """The routing sidecar in front of a decode engine; there only when a prefill role exists."""

    one_of = (("flags", "argv"),)
    misnomers = {"args": "flags", "targetPort": "modelServerPort"}

    enabled: bool | None = field(
        "Whether decode pods have it; unless given, where a prefill role exists.", default=None
    )
    image: str | None = field("Sidecar image; the version set's unless given.", default=None)
    model_server_port: int = field(
        "Port the engine listens on behind the sidecar.", default=8200, minimum=1, maximum=65535
    )
    resources: Resources | None = field("Requests and limits of the sidecar.", default=None)
    flags: Mapping[FlagName, Scalar] = field(
        "Further flags of the sidecar, without dashes.", default=EMPTY
    )
    argv: tuple[Scalar, ...] = field(
        "The arguments word for word, instead of `flags`: none is derived.", default=()
    )
    env: Mapping[EnvName, EnvValue] = field("Environment of the sidecar.", default=EMPTY)
    container: ContainerFields | None = field(
        "Further fields of its container: the mount of a certificate, a pull policy.", default=None
    )


class Routing(Record):
    """How requests reach the pods."""

    misnomers = {
        "epp": "scheduler",
        "endpointPicker": "scheduler",
        "inferencePool": "pool",
        "httpRoute": "route",
        "proxy": "sidecar",
        "servicePort": "port",
        "parentRefs": "gateway",
        "weight": "split",
        "versions": "split",
        "canary": "rewrites",
        "group": "split",
        "criticality": "objectives",
        "priorities": "objectives",
    }

    port: int = field(
        "Port the model is served on: Service, pool and pods.",
        default=8000,
        minimum=1,
        maximum=65535,
    )
    service: Service | None = field("The Service.", default=None)
    gateway: Gateway | None = field(
        "Gateway the HTTPRoute attaches to; without its `name` no route is emitted.", default=None
    )
    route: Route | None = field("The HTTPRoute's conditions and timeout.", default=None)
    split: Mapping[DnsLabel, int] = field(
        "Weights of the Models that share this one's served name and route, its own included: "
        "{llama-v1: 90, llama-v2: 10}. The others have no `gateway.name`.",
        default=EMPTY,
        minimum=0,
        maximum=1_000_000,
    )
    rewrites: Mapping[ServedName, Mapping[str, int]] = field(
        "Names that stand for adapters, or for the model, by weight: "
        "{sql: {sql-v1: 90, sql-v2: 10}}. The endpoint picker chooses one for each request.",
        default=EMPTY,
        minimum=0,
        maximum=1_000_000,
    )
    objectives: Mapping[DnsLabel, Objective] = field(
        "InferenceObjectives by name: {interactive: {priority: 100}, batch: {priority: -10}}.",
        default=EMPTY,
    )
    tls: Tls | None = field("TLS of the model's pods.", default=None)
    pool: Pool | None = field("The InferencePool.", default=None)
    scheduler: Scheduler | None = field("The endpoint picker.", default=None)
    sidecar: Sidecar | None = field("The routing sidecar.", default=None)
