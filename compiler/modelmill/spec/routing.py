"""How requests reach the pods: gateway route, inference pool, endpoint picker, routing sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, DnsName, Duration, EnvName, FlagName
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping, Scalar
from modelmill.spec.pod import ContainerFields, EnvValue, Metadata, Pod, Resources
from modelmill.spec.role import PodMonitor


class Gateway(Record):
    """The Gateway a route attaches to."""

    name: DnsName = field("Name of the Gateway.")
    namespace: DnsLabel | None = field("Its namespace; the model's own unless given.", default=None)
    section_name: str | None = field("Listener of the Gateway.", default=None)


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

    hostnames: tuple[str, ...] = field("Host names the route answers to.", default=())
    path: str = field("Path prefix a request must have.", default="/")
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
    headers: Mapping[str, str] = field(
        "Headers a request must carry, by exact value.", default=EMPTY
    )
    timeout: Duration | None = field(
        "Request timeout; unset leaves it to the gateway.", default="300s"
    )
    metadata: Metadata | None = field("Labels and annotations of the HTTPRoute.", default=None)


class Service(Record):
    """The Service of the model's pods."""

    noun = "the service"
    misnomers = {"enabled": "create"}

    create: bool = field("Whether it is emitted.", default=True)


class Pool(Record):
    """The InferencePool."""

    failure_mode: Literal["FailOpen", "FailClose"] = field(
        "Whether requests go on when the endpoint picker is down.", default="FailOpen"
    )
    app_protocol: Literal["http", "kubernetes.io/h2c"] = field(
        "Protocol of the model servers.", default="http"
    )


class Plugin(Record):
    """A plugin of the endpoint picker; its key is its name."""

    noun = "a plugin"
    tag = "type"

    type: str | None = field("Plugin type; the key unless given.", default=None)
    parameters: FreeMapping = field(
        "Parameters, checked by the picker when it starts.", default=EMPTY
    )


class PluginRef(Record):
    """A plugin's part in a scheduling profile."""

    noun = "a profile's plugin"

    weight: int | None = field("Weight of a scorer.", default=None, minimum=0)


class SchedulingProfile(Record):
    """A scheduling profile. Filters run in the order they are written."""

    noun = "a scheduling profile"

    plugins: Mapping[str, PluginRef] = field(
        "Plugins of the profile, by their name.", default=EMPTY
    )


class PickerConfig(Record):
    """What the endpoint picker chooses by: its EndpointPickerConfig. Another `name` in a higher
    layer replaces it as a whole, so that one routing profile never mixes with another."""

    noun = "a picker's config"
    tag = "name"
    misnomers = {"profiles": "schedulingProfiles", "profile": "name"}

    name: str = field("Name of the routing profile: load-aware.")
    plugins: Mapping[str, Plugin] = field("Plugins by name.", default=EMPTY)
    scheduling_profiles: Mapping[DnsLabel, SchedulingProfile] = field(
        "Scheduling profiles by name.", default=EMPTY
    )
    feature_gates: Mapping[str, bool] = field("Feature gates by name.", default=EMPTY)
    data_layer: FreeMapping | None = field("Data sources and their extractors.", default=None)
    flow_control: FreeMapping | None = field("Queues, priorities and limits.", default=None)
    request_handler: FreeMapping | None = field("Request parsers.", default=None)


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
    pod_monitor: PodMonitor | None = field("Emits a PodMonitor for the picker.", default=None)
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
    }

    port: int = field(
        "Port the model is served on: Service, pool and pods.",
        default=8000,
        minimum=1,
        maximum=65535,
    )
    service: Service | None = field("The Service.", default=None)
    gateway: Gateway | None = field(
        "Gateway the HTTPRoute attaches to; without it no route is emitted.", default=None
    )
    route: Route | None = field("The HTTPRoute's conditions and timeout.", default=None)
    split: Mapping[DnsLabel, int] = field(
        "Weights of the Models that share this one's served name and route, its own included: "
        "{llama-v1: 90, llama-v2: 10}. The others have no `gateway`.",
        default=EMPTY,
        minimum=0,
        maximum=1_000_000,
    )
    rewrites: Mapping[str, Mapping[str, int]] = field(
        "Names that stand for adapters, or for the model, by weight: "
        "{sql: {sql-v1: 90, sql-v2: 10}}. The endpoint picker chooses one for each request.",
        default=EMPTY,
        minimum=0,
        maximum=1_000_000,
    )
    pool: Pool | None = field("The InferencePool.", default=None)
    scheduler: Scheduler | None = field("The endpoint picker.", default=None)
    sidecar: Sidecar | None = field("The routing sidecar.", default=None)
