"""C511: further settings of KV cache do not say again, and otherwise, what has a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic, error
from modelmill.spec.kv_cache import KvCacheOffloading
from modelmill.variant import Variant

READS = "kv_cache_offloading kv_events"
# Keys that are written for an engine, and the field each follows from.
EVENTS: Mapping[str, str] = {
    "enable_kv_cache_events": "kvEvents",
    "publisher": "kvEvents",
    "endpoint": "kvEvents.port",
    "replay_endpoint": "kvEvents.replayPort",
    "topic": "kvEvents.topic",
}


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.kv_events is not None:
            yield from _said_twice(variant, key, "kvEvents", role.kv_events.config, EVENTS)
        kept = role.kv_cache_offloading
        if kept is not None and kept.connector == "native":
            fields = _fields(kept)
            yield from _said_twice(variant, key, "kvCacheOffloading", kept.config, fields)


def _fields(kept: KvCacheOffloading) -> dict[str, str]:
    """The keys of vLLM's own connector that follow from what is given."""
    given = {
        "cpu_bytes_to_use": ("cpu", kept.cpu),
        "eviction_policy": ("evictionPolicy", kept.eviction_policy),
        "block_size": ("blockSize", kept.block_size),
        "spec_name": ("tiers", kept.tiers),
        "secondary_tiers": ("tiers", kept.tiers),
    }
    return {name: f"kvCacheOffloading.{field}" for name, (field, value) in given.items() if value}


def _said_twice(
    variant: Variant, key: str, field: str, config: Mapping[str, object], fields: Mapping[str, str]
) -> Iterable[Diagnostic]:
    for name in config:
        if name in fields:
            owner, span = fields[name], variant.key_span_of("roles", key, field, "config", name)
            yield error("C511", f"`{name}` is set from `{owner}`", span, f"set `{owner}` instead")
