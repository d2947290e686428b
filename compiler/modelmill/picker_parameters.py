"""Parameters of the endpoint picker's plugins that follow from the model.

In: a variant with a picker. Out: what each plugin is told: what follows from roles, tokenizer and
served name, and over it what people set. Plugins are known by their type; which parameters a type
has, the release's catalogue says (`data/pickers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from modelmill import kv_cache, tls, tokenizer
from modelmill.catalogues import PickerCatalogue, picker_catalogue
from modelmill.containers import Manifest, given, over, probe
from modelmill.engine_container import IMAGE_PULL_SECONDS, STARTUP
from modelmill.engines import Events
from modelmill.spec.picker import PickerConfig, PredictorServer, Tokenizer
from modelmill.spec.role import Role
from modelmill.tree import remember
from modelmill.variant import Variant

T = TypeVar("T")

FLOW_CONTROL = "flowControl"
"""The feature gate without which the picker has no queues."""
EXPERIMENTAL = "allow-experimental-plugins"
TOKENS = "token-producer"
PRECISE = "precise-prefix-cache-producer"
APPROXIMATE = "approx-prefix-cache-producer"
LATENCIES = "predicted-latency-producer"
METRICS = "metrics-data-source"
MODELS = "models-data-source"
DATA_PARALLEL = "data-parallel-profile-handler"
MATCHES = "prefixMatchInfoProducerName"
"""Parameter of what reads how much of a prompt each pod has cached; the approximate producer's
unless given."""
OF_SETTINGS = "routing.scheduler.config routing.scheduler.flags routing.scheduler.image"
"""What rules read by `found_in_settings`."""
PICKER_BLOCK_SIZE = 16
"""Tokens in a block of the approximate producer, unless it is told or finds out."""

Place = tuple[str, ...]


def helpers(variant: Variant) -> Iterator[tuple[Place, Tokenizer | PredictorServer]]:
    """What people wrote of the servers beside a picker, with the place of each."""
    scheduler, here = variant.scheduler, ("routing", "scheduler")
    if scheduler is None:
        return
    if scheduler.tokenizer is not None:
        yield (*here, "tokenizer"), scheduler.tokenizer
    predictor = scheduler.latency_predictor
    if predictor is not None and predictor.training is not None:
        yield (*here, "latencyPredictor", "training"), predictor.training
    if predictor is not None and predictor.prediction is not None:
        yield (*here, "latencyPredictor", "prediction"), predictor.prediction


def catalogue_of(variant: Variant) -> PickerCatalogue:
    """What the picker of the variant's version set knows."""
    return picker_catalogue(variant.versions.picker)


def config_of(variant: Variant) -> PickerConfig:
    assert variant.scheduler is not None
    assert variant.scheduler.config is not None
    return variant.scheduler.config


def found_in_settings(
    variant: Variant, rule: str, find: Callable[[Variant], Iterable[T]]
) -> tuple[T, ...]:
    """What a rule finds that looks at nothing but the picker's `config` and release, whether its
    image is one's own and whether it experiments: once for all models that have the same of
    presets."""
    scheduler, node = variant.scheduler, variant.tree.get("routing", "scheduler", "config")
    if node is None or scheduler is None:
        return ()
    key = (rule, variant.versions.picker, scheduler.image is None, is_experimental(variant))
    known: tuple[T, ...] | None = node.memo.get(key) if node.memo is not None else None
    if known is None:
        known = tuple(find(variant))
        remember(node, key, known)
    return known


def types_of(variant: Variant) -> dict[str, str]:
    """The type of each plugin, by its name."""
    return _types(config_of(variant))


@lru_cache(maxsize=64)
def _types(config: PickerConfig) -> dict[str, str]:
    return {name: each.type or name for name, each in config.plugins.items()}


def named(variant: Variant, plugin_type: str) -> list[str]:
    """Names of the plugins of a type."""
    return [name for name, each in types_of(variant).items() if each == plugin_type]


def is_gated(variant: Variant, gate: str) -> bool:
    """Whether a feature gate is on: as it is set, or by default."""
    if variant.scheduler is None:
        return False
    default = catalogue_of(variant).gates.get(gate, False)
    return config_of(variant).feature_gates.get(gate, default)


def is_experimental(variant: Variant) -> bool:
    """Whether the picker takes plugins that are experimental."""
    flags = variant.scheduler.flags if variant.scheduler is not None else {}
    return str(flags.get(EXPERIMENTAL, False)).lower() == "true"


def value_at(parameters: Any, path: str) -> Any:
    """The value at a dotted path of parameters; None where there is none."""
    for key in path.split("."):
        parameters = parameters.get(key) if isinstance(parameters, Mapping) else None
    return parameters


def parameters_of(variant: Variant, name: str) -> Manifest:
    """All parameters of a plugin: people's own over those that follow from the model."""
    return over(derived(variant, name), config_of(variant).plugins[name].parameters)


def derived(variant: Variant, name: str) -> Manifest:
    """The parameters of a plugin that follow from the model, where nobody sets them."""
    plugin_type, own = types_of(variant)[name], config_of(variant).plugins[name].parameters
    follows = DERIVED.get(plugin_type)
    found = follows(variant) if follows is not None else {}
    if plugin_type == TOKENS:
        found = _tokens(variant, own)
    known = catalogue_of(variant).plugins.get(plugin_type)
    if known is None or MATCHES not in known.parameters:
        return found
    precise = sole_precise(variant)
    return found if precise is None else {**found, MATCHES: precise}


def sole_precise(variant: Variant) -> str | None:
    """The one plugin that tells how much of a prompt pods have cached, where it does so precisely;
    with a second one, people say which is meant."""
    precise = named(variant, PRECISE)
    return precise[0] if len(precise) == 1 and not named(variant, APPROXIMATE) else None


def _tokens(variant: Variant, own: Mapping[str, Any]) -> Manifest:
    """The picker must cut text as the engine does, by the same model; unless it is told to
    estimate, as it does where nothing is said."""
    if tokenizer.tokenizer_of(variant) is None or "estimate" in own:
        return {"modelName": variant.spec.model.name} if "vllm" in own else {}
    return {"modelName": variant.spec.model.name, "vllm": {"url": tokenizer.url(variant)}}


def _precise(variant: Variant) -> Manifest:
    """The picker must cut prompts into blocks as the engine does, and hear it where it speaks."""
    key, events = speaker(variant)
    if key is None or events is None:
        return {}
    engine = variant.roles[key].engine
    ports = given(socketPort=events.port, replaySocketPort=events.replay_port)
    return {
        "tokenProcessorConfig": given(
            blockSizeTokens=kv_cache.block_size(variant, key),
            hashSeed=kv_cache.hash_seed(variant, key),
        ),
        "kvEventsConfig": given(
            engineType="sglang" if engine is not None and engine.type == "sglang" else None,
            topicFilter=events.topic,
            discoverPods=True,
            podDiscoveryConfig=ports,
        ),
    }


def speaker(variant: Variant) -> tuple[str | None, Events | None]:
    """The first role that tells of its blocks, and how it does; others must do alike."""
    for key in speakers(variant):
        return key, kv_cache.events(variant, key)
    return None, None


def speakers(variant: Variant) -> list[str]:
    """The roles that tell of their blocks."""
    return [key for key in variant.roles if kv_cache.events(variant, key) is not None]


def _approximate(variant: Variant) -> Manifest:
    """Block sizes of engines that differ leave it to what the picker finds out."""
    sizes = {kv_cache.block_size(variant, key) for key in variant.roles}
    size = sizes.pop() if len(sizes) == 1 else None
    return {"blockSizeTokens": size} if size not in (None, PICKER_BLOCK_SIZE) else {}


def _data_parallel(variant: Variant) -> Manifest:
    return {"primaryPort": variant.routing.port}


def _asks_pods(variant: Variant) -> Manifest:
    return tls.source_parameters(variant)


DERIVED: Mapping[str, Callable[[Variant], Manifest]] = {
    PRECISE: _precise,
    APPROXIMATE: _approximate,
    DATA_PARALLEL: _data_parallel,
    METRICS: _asks_pods,
    MODELS: _asks_pods,
}


def no_endpoint_ttl(variant: Variant) -> str | None:
    """How long requests wait where the pool has no pod: as long as one takes to start, for a model
    that idles at none; the picker's default for others."""
    if not is_gated(variant, FLOW_CONTROL):
        return None
    idle = [role for role in variant.roles.values() if idles_at_zero(role)]
    return f"{max(startup_seconds(role) for role in idle)}s" if idle else None


def idles_at_zero(role: Role) -> bool:
    return role.autoscaling is not None and role.autoscaling.idle_replicas == 0


def startup_seconds(role: Role) -> int:
    """Seconds that a pod may take to start: the pull of its image, and what the startup probe
    allows."""
    said = role.probes.startup if role.probes else None
    timing: Mapping[str, Any] = probe(said, STARTUP) or STARTUP
    tries = timing.get("failureThreshold", 3) * timing.get("periodSeconds", 10)
    return int(timing.get("initialDelaySeconds", 0) + tries) + IMAGE_PULL_SECONDS
