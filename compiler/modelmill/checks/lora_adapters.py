"""C543, C503: LoRA adapters are where a pod finds them, and fit the engine that serves them.

Limits: vllm/config/lora.py, LoRAConfig; sglang/srt/server_args.py, check_lora_server_args, and
sglang/srt/lora/lora_manager.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.adapters import SCHEMES, sync_of
from modelmill.catalogues import engine_catalogue
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.model_uri import ModelUri, UriFault, parse_uri
from modelmill.spec.adapters import Adapter
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

READS = "defaults engine.args engine.argv engine.type model"
RANK = "max-lora-rank"
HINT = (
    "adapters are at hf://ORG/ADAPTER, pvc://CLAIM/PATH, oci://IMAGE[::PATH], s3://BUCKET/PATH or "
    "gs://BUCKET/PATH"
)


class Limits(NamedTuple):
    """An engine's flags for the adapters in one batch, with its default, and in memory."""

    batch: str
    default: int
    memory: str


LIMITS = {
    "vllm": Limits("max-loras", 1, "max-cpu-loras"),
    "inference-sim": Limits("max-loras", 1, "max-cpu-loras"),
    "sglang": Limits("max-loras-per-batch", 8, "max-loaded-loras"),
}
PINNING = "sglang"
"""The engine that pins, and counts adapters it was not asked for yet as loaded."""


def check(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    for name, adapter in model.adapters.items():
        place = ("model", "adapters", name)
        if name == model.name:
            message = f"the adapter `{name}` is named like its model, which no request could reach"
            yield error("C543", message, variant.key_span_of(*place), "give it another name")
        elif name.strip("/") in ("", ".", ".."):
            message = f"`{name}` names no adapter that a request or a folder could be of"
            yield error("C543", message, variant.key_span_of(*place), "give it another name")
        yield from _source(variant, name, adapter)
        for key, role in variant.roles.items():
            yield from _rank(variant, name, adapter, key, role)
    if model.adapters:
        for key, role in variant.roles.items():
            yield from _untold(variant, key, role)
            yield from _limited(variant, key, role)
            yield from _pinned(variant, key, role)


def _source(variant: Variant, name: str, adapter: Adapter) -> Iterable[Diagnostic]:
    place = ("model", "adapters", name)
    span = variant.span_of(*place, "uri")
    scheme, separator, _ = adapter.uri.partition("://")
    if separator and scheme not in SCHEMES:
        yield error("C543", f"no engine reads an adapter from {scheme}://", span, HINT)
        return
    try:
        source = parse_uri(adapter.uri, "")
    except UriFault as fault:
        yield error("C543", str(fault), span, HINT)
        return
    if adapter.revision is not None:
        yield from _revision(variant, name, source)
    for key in variant.roles:
        if source.url and variant.is_bare(key):
            message = f"`{key}` has `defaults: none`, so nothing downloads `{name}`"
            yield error("C543", message, span, "put it on a claim: pvc://CLAIM/PATH")


def _revision(variant: Variant, name: str, source: ModelUri) -> Iterable[Diagnostic]:
    span = variant.span_of("model", "adapters", name, "revision")
    if not source.hub_name:
        message = f"`revision` means nothing for a {source.scheme}:// adapter"
        yield warning("C503", message, span, "only hf:// has revisions; leave it out")
        return
    for key in variant.roles:
        reason = ""
        if variant.is_bare(key):
            reason = f"`{key}` has `defaults: none`"
        elif sync_of(variant, key) == "sidecar":
            reason = "it is loaded by a sidecar"
        if reason and variant.spec.model.cache is None:
            message = f"{reason}, so the engine fetches `{name}` by itself, as it is at `main`"
            yield warning("C503", message, span, "set `model.cache`, or put it on a claim: pvc://")


def _rank(
    variant: Variant, name: str, adapter: Adapter, key: str, role: Role
) -> Iterable[Diagnostic]:
    if adapter.rank is None or role.engine is None:
        return
    written = role.engine.args.get(RANK)
    flag = engine_catalogue(role.engine.type).find(RANK)
    choices = [int(each) for each in flag.choices] if flag else []
    span = variant.span_of("model", "adapters", name, "rank")
    if isinstance(written, int) and adapter.rank > written:
        message = f"`{name}` has rank {adapter.rank}, and `{key}` takes at most {written}"
        hint = f"leave `{RANK}` out of `engine.args`: it follows from the adapters"
        yield error("C543", message, span, hint)
    elif choices and adapter.rank > max(choices):
        message = f"`{name}` has rank {adapter.rank}; {role.engine.type} takes at most "
        yield error("C543", f"{message}{max(choices)}", span, "is it `r` of adapter_config.json?")


def _untold(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    engine = role.engine
    if engine is not None and (engine.argv or engine.type == "custom"):
        yield warning(
            "C543",
            f"`{key}` is told its arguments word for word, so not of adapters",
            variant.key_span_of("model", "adapters"),
            "name them in its `argv`; their volumes are mounted",
        )


def _limited(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """An engine does not start with less room in memory than in a batch."""
    engine = role.engine
    limits = LIMITS.get(engine.type) if engine is not None else None
    if engine is None or limits is None:
        return
    batch, memory = (engine.args.get(name) for name in (limits.batch, limits.memory))
    in_batch = batch if isinstance(batch, int) else limits.default
    if not isinstance(memory, int):
        return
    place = ("roles", key, "engine", "args")
    if memory < in_batch:
        unless = "" if isinstance(batch, int) else " where nothing is said"
        yield error(
            "C543",
            f"`{key}` keeps {memory} adapters in memory, and uses {in_batch} in a batch{unless}",
            variant.span_of(*place, limits.memory),
            f"`{limits.memory}` is `{limits.batch}` or more",
        )
    elif engine.type == PINNING and memory < len(variant.spec.model.adapters):
        count = len(variant.spec.model.adapters)
        yield error(
            "C543",
            f"`{key}` has {count} adapters from its start, and keeps {memory} in memory",
            variant.span_of(*place, limits.memory),
            f"raise `{limits.memory}`, or leave it out: there is no limit then",
        )


def _pinned(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    engine = role.engine
    pinned = [name for name, each in variant.spec.model.adapters.items() if each.pinned]
    if not pinned or engine is None or engine.type == "inference-sim":
        return
    span = variant.key_span_of("model", "adapters", pinned[-1], "pinned")
    if engine.type != PINNING:
        message = f"the engine of `{key}` is {engine.type}, which pins no adapter"
        yield warning("C543", message, span, "leave `pinned` out; raise `max-loras` instead")
        return
    limits = LIMITS[PINNING]
    batch = engine.args.get(limits.batch, limits.default)
    if isinstance(batch, int) and len(pinned) >= batch:
        yield error(
            "C543",
            f"{len(pinned)} adapters are pinned, and `{key}` has room for {batch}: none would be "
            "left for the others and the model itself",
            span,
            f"raise `{limits.batch}` above the number of pinned ones",
        )
