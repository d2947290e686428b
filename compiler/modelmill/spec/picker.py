"""What an endpoint picker chooses by: plugins, profiles, data sources, queues; and its helpers.

Upstream: EndpointPickerConfig of llm-d.ai/v1alpha1 (llm-d/llm-d-router). What is a list there and
refers to plugins is a mapping by the plugin's name here, so that layers can add to it and unset.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.formats import (
    DnsLabel,
    Duration,
    EnvName,
    FlagName,
    Priority,
    Quantity,
    Weight,
)
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping, Json
from modelmill.spec.pod import ContainerFields, EnvValue, Metadata, Pod, Resources


class Plugin(Record):
    """A plugin of the endpoint picker; its key is its name."""

    noun = "a plugin"
    tag = "type"

    type: str | None = field("Plugin type; the key unless given.", default=None)
    parameters: FreeMapping = field(
        "Parameters, as the plugin's type has them in this release. What follows from the model "
        "(block size, names, ports of KV events) is derived unless given.",
        default=EMPTY,
    )


class PluginRef(Record):
    """A plugin's part in a scheduling profile."""

    noun = "a profile's plugin"

    weight: Weight | None = field("Weight of a scorer; 1 unless given.", default=None)


class SchedulingProfile(Record):
    """A scheduling profile. Filters run in the order they are written."""

    noun = "a scheduling profile"

    plugins: Mapping[str, PluginRef] = field(
        "Plugins of the profile, by their name.", default=EMPTY
    )


class PluginChoice(Record):
    """A place that one plugin fills."""

    noun = "a plugin's place"
    misnomers = {"name": "pluginRef", "plugin": "pluginRef"}

    plugin_ref: str = field("Name of the plugin.")


class NoSettings(Record):
    """A plugin that is only named."""

    noun = "a plugin that is named here; its settings are under `plugins`"


class DataSource(Record):
    """A plugin that brings data on the pods."""

    noun = "a data source"

    extractors: Mapping[str, NoSettings] = field(
        "Plugins that read what it brings, by their name.", default=EMPTY
    )


class DataLayer(Record):
    """Where the picker learns of the pods."""

    noun = "dataLayer"

    inject_defaults: bool | None = field(
        "Whether the picker adds its own sources, of metrics and of models.", default=None
    )
    sources: Mapping[str, DataSource] = field(
        "Data sources, by the name of their plugin.", default=EMPTY
    )
    discovery: PluginChoice | None = field("How pods are found.", default=None)
    peer_discovery: PluginChoice | None = field("How other pickers are found.", default=None)
    cross_replica_syncer_plugin_ref: str | None = field(
        "Plugin by which pickers tell each other what they know.", default=None
    )
    cross_replica_sync_interval: Duration | None = field(
        "Time between two of these exchanges.", default=None
    )


class PriorityBand(Record):
    """Requests of one priority."""

    noun = "a priority band"

    max_bytes: Quantity | None = field("Bytes that may wait.", default=None)
    max_requests: Quantity | None = field("Requests that may wait.", default=None)
    fairness_policy_ref: str | None = field(
        "Plugin that shares the band between flows.", default=None
    )
    ordering_policy_ref: str | None = field("Plugin that orders one flow.", default=None)


class FlowControl(Record):
    """Queues in the picker, in use where the feature gate `flowControl` is on."""

    noun = "flowControl"

    max_bytes: Quantity | None = field("Bytes that may wait in all.", default=None)
    max_requests: Quantity | None = field("Requests that may wait in all.", default=None)
    default_request_ttl: Duration | None = field("How long a request waits.", default=None)
    no_endpoint_request_ttl: Duration | None = field(
        "How long a request waits where the pool has no pod: a model that idles at zero needs as "
        "long as a pod takes to start.",
        default=None,
    )
    default_priority_band: PriorityBand | None = field(
        "Bands that are not named under `priorityBands`.", default=None
    )
    default_negative_priority_band: PriorityBand | None = field("Those below zero.", default=None)
    priority_bands: Mapping[Priority, PriorityBand] = field(
        "Bands by priority: {100: {}, 0: {}, -10: {}}.", default=EMPTY
    )
    usage_limit_policy_plugin_ref: str | None = field(
        "Plugin that keeps room for higher priorities.", default=None
    )
    saturation_detector: PluginChoice | None = field(
        "Plugin that tells when the pool is full.", default=None
    )
    enable_eviction: bool | None = field(
        "Whether running requests give way to those of a higher priority.", default=None
    )


class RequestHandler(Record):
    """How requests are read."""

    noun = "requestHandler"

    parsers: Mapping[str, NoSettings] = field(
        "Parsers by the name of their plugin, in the order they are tried.", default=EMPTY
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
    data_layer: DataLayer | None = field("Data sources and their extractors.", default=None)
    flow_control: FlowControl | None = field("Queues, priorities and limits.", default=None)
    request_handler: RequestHandler | None = field("Request parsers.", default=None)


class Tokenizer(Record):
    """A server that turns prompts into tokens, as the engine does (`vllm launch render`). Picking
    by a precise prefix needs it."""

    noun = "the tokenizer"
    misnomers = {"placement": "separate", "args": "flags"}

    separate: bool = field(
        "Whether it has a Deployment and a Service of its own; unless so it runs beside each "
        "picker.",
        default=False,
    )
    replicas: int = field("Its pods, where it is `separate`.", default=1, minimum=1, maximum=100)
    port: int | None = field(
        "Its port: 8000 unless given, or 8100 beside a latency predictor in the picker's pod.",
        default=None,
        minimum=1,
        maximum=65535,
    )
    image: str | None = field("Its image; the version set's unless given.", default=None)
    flags: Mapping[FlagName, Json] = field(
        "Further flags of the renderer, by name, without dashes.", default=EMPTY
    )
    env: Mapping[EnvName, EnvValue] = field("Its environment.", default=EMPTY)
    resources: Resources | None = field("Its requests and limits.", default=None)
    metadata: Metadata | None = field(
        "Labels and annotations of its Deployment, where it is `separate`.", default=None
    )
    pod: Pod | None = field("Fields of its pods, where it is `separate`.", default=None)
    container: ContainerFields | None = field("Further fields of its container.", default=None)


class PredictorServer(Record):
    """One of the servers that predict latencies."""

    noun = "a server of the latency predictor"

    image: str | None = field("Its image; the version set's unless given.", default=None)
    env: Mapping[EnvName, EnvValue] = field("Its environment.", default=EMPTY)
    resources: Resources | None = field("Its requests and limits.", default=None)
    container: ContainerFields | None = field("Further fields of its container.", default=None)


class LatencyPredictor(Record):
    """Servers beside the picker that learn how long requests take, and predict it."""

    noun = "the latency predictor"

    prediction_servers: int = field(
        "How many servers predict, one port each from 8001.", default=1, minimum=1, maximum=64
    )
    training: PredictorServer | None = field("The server that learns.", default=None)
    prediction: PredictorServer | None = field("Those that predict.", default=None)
