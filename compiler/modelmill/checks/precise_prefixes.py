"""C555: what the endpoint picker is told of prompts and blocks must be what engines do.

A picker that cuts prompts otherwise, or listens where nobody speaks, finds no prefix anywhere and
says nothing: llm-d guides/precise-prefix-cache-routing.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import kv_cache, tokenizer
from modelmill.diagnostics import Diagnostic, Note, error, warning
from modelmill.model_uri import OBJECT_STORES
from modelmill.picker_parameters import (
    DATA_PARALLEL,
    PRECISE,
    TOKENS,
    config_of,
    derived,
    named,
    parameters_of,
    speakers,
    value_at,
)
from modelmill.variant import Variant

READS = (
    "engine.args engine.argv engine.env.PYTHONHASHSEED engine.type kv_cache_offloading "
    "kv_events kv_transfer model parallelism routing.port routing.scheduler.config "
    "routing.scheduler.latency_predictor routing.scheduler.tokenizer type worker"
)
SCHEDULER = ("routing", "scheduler")
PLUGINS = (*SCHEDULER, "config", "plugins")
FOLLOWS = {
    PRECISE: (
        "tokenProcessorConfig.blockSizeTokens",
        "tokenProcessorConfig.hashSeed",
        "kvEventsConfig.topicFilter",
        "kvEventsConfig.podDiscoveryConfig.socketPort",
        "kvEventsConfig.podDiscoveryConfig.replaySocketPort",
    ),
    TOKENS: ("modelName", "vllm.url"),
    DATA_PARALLEL: ("primaryPort",),
}
"""Parameters that must be what follows from the model."""
OF_ITS_OWN_PODS = ("replicas", "metadata", "pod")
"""Fields of a tokenizer that is `separate`."""
TOKENIZER_HINT = "set `routing.scheduler.tokenizer: {}`"


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.scheduler is None:
        return
    for name in named(variant, PRECISE):
        yield from _heard(variant, name)
        yield from _in_tokens(variant, name)
    for plugin_type in FOLLOWS:
        for name in named(variant, plugin_type):
            yield from _contradicted(variant, name, FOLLOWS[plugin_type])
    for name in named(variant, TOKENS):
        yield from _asked(variant, name)
    yield from _tokenizer(variant)


def _heard(variant: Variant, name: str) -> Iterable[Diagnostic]:
    telling = speakers(variant)
    span = variant.key_span_of(*PLUGINS, name)
    if not telling:
        yield error(
            "C555",
            f"`{name}` hears from engines which blocks they hold, and no role tells of them",
            span,
            "set `kvEvents: {}` at the top of `spec`",
        )
    silent = [key for key in variant.roles if key not in telling] if telling else []
    for key in silent:
        if variant.role_type(key) == variant.role_type(telling[0]):
            yield error(
                "C555",
                f"`{key}` does not tell of its blocks, and `{telling[0]}` does: it never gets a "
                "request with a known prefix",
                variant.key_span_of("roles", key),
                "set `kvEvents: {}` at the top of `spec`",
            )
    yield from _one_size(variant, name, telling)


def _one_size(variant: Variant, name: str, telling: list[str]) -> Iterable[Diagnostic]:
    sizes = {key: kv_cache.block_size(variant, key) for key in telling}
    known = [key for key, size in sizes.items() if size is not None]
    for key in known[1:]:
        if sizes[key] != sizes[known[0]]:
            first = variant.span_of("roles", known[0], "engine", "args")
            yield error(
                "C555",
                f"blocks of `{key}` have {sizes[key]} tokens and those of `{known[0]}` "
                f"{sizes[known[0]]}, and `{name}` knows one size",
                variant.span_of("roles", key, "engine", "args"),
                "set the block size once, in `engine.args` at the top of `spec`",
                [Note(f"`{known[0]}` is here", first)],
            )


def _in_tokens(variant: Variant, name: str) -> Iterable[Diagnostic]:
    """Tokens that are estimated are none that an engine has."""
    producers = named(variant, TOKENS)
    span = variant.key_span_of(*PLUGINS, name)
    if not producers:
        yield error(
            "C555",
            f"`{name}` needs the prompt's tokens, and no plugin asks a tokenizer for them",
            span,
            f"add `plugins: {{{TOKENS}: {{}}}}` and {TOKENIZER_HINT.removeprefix('set ')}",
        )
    for producer in producers:
        if "vllm" not in parameters_of(variant, producer):
            own = config_of(variant).plugins[producer].parameters
            at = ("parameters", "estimate") if "estimate" in own else ()
            yield error(
                "C555",
                f"`{producer}` estimates tokens, and `{name}` needs those that engines have",
                variant.key_span_of(*PLUGINS, producer, *at),
                TOKENIZER_HINT,
            )


def _asked(variant: Variant, name: str) -> Iterable[Diagnostic]:
    own = config_of(variant).plugins[name].parameters
    asks = "vllm" in own or "modelName" in own
    if tokenizer.tokenizer_of(variant) is None and asks and not value_at(own, "vllm.url"):
        yield error(
            "C555",
            f"`{name}` asks a tokenizer, and there is none",
            variant.key_span_of(*PLUGINS, name, "parameters"),
            f"{TOKENIZER_HINT}, or the URL of one in `vllm.url`",
        )


def _contradicted(variant: Variant, name: str, paths: Iterable[str]) -> Iterable[Diagnostic]:
    follows, own = derived(variant, name), config_of(variant).plugins[name].parameters
    for path in paths:
        said, wanted = value_at(own, path), value_at(follows, path)
        if said is not None and wanted is not None and said != wanted:
            yield error(
                "C555",
                f"`{path}` of `{name}` is `{said}`, and the model's is `{wanted}`",
                variant.span_of(*PLUGINS, name, "parameters", *path.split(".")),
                "leave it out: it is derived",
            )


def _tokenizer(variant: Variant) -> Iterable[Diagnostic]:
    found = tokenizer.tokenizer_of(variant)
    if found is None:
        return
    place = (*SCHEDULER, "tokenizer")
    if not named(variant, TOKENS):
        message = "the tokenizer is asked by no plugin"
        hint = f"add `plugins: {{{TOKENS}: {{}}}}` to the config"
        yield warning("C555", message, variant.key_span_of(*place), hint)
    for field in OF_ITS_OWN_PODS if tokenizer.is_beside(variant) else ():
        node = variant.tree.get(*place, field)
        if node is not None and node.value is not None:
            message = f"`{field}` means nothing to a tokenizer in the picker's pods"
            yield warning("C555", message, node.key_span, "take it out, or set `separate: true`")
    if variant.spec.model.uri.partition("://")[0] in OBJECT_STORES:
        message = "the tokenizer reads no weights in an object store"
        hint = "run one of your own, and name it in `vllm.url` of the token-producer"
        yield error("C555", message, variant.key_span_of(*place), hint)
