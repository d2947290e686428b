"""C543, C503: LoRA adapters are where a pod finds them, and fit the engine that serves them."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.adapters import SCHEMES
from modelmill.catalogues import engine_catalogue
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.model_uri import ModelUri, UriFault, parse_uri
from modelmill.spec.adapters import Adapter
from modelmill.spec.role import Role
from modelmill.variant import Variant

RANK = "max-lora-rank"
HINT = "adapters are at hf://ORG/ADAPTER, pvc://CLAIM/PATH or oci://IMAGE[::PATH]"


def check(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    for name, adapter in model.adapters.items():
        place = ("model", "adapters", name)
        if name == model.name:
            message = f"the adapter `{name}` is named like its model, which no request could reach"
            yield error("C543", message, variant.key_span_of(*place), "give it another name")
        yield from _source(variant, name, adapter)
        for key, role in variant.roles.items():
            yield from _rank(variant, name, adapter, key, role)
    if model.adapters:
        for key, role in variant.roles.items():
            yield from _untold(variant, key, role)


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


def _revision(variant: Variant, name: str, source: ModelUri) -> Iterable[Diagnostic]:
    span = variant.span_of("model", "adapters", name, "revision")
    if not source.hub_name:
        message = f"`revision` means nothing for a {source.scheme}:// adapter"
        yield warning("C503", message, span, "only hf:// has revisions; leave it out")
        return
    for key in variant.roles:
        if variant.is_bare(key) and variant.spec.model.cache is None:
            message = f"`{key}` has `defaults: none`, so its engine fetches `{name}` by itself, as "
            message += "it is at `main`"
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
