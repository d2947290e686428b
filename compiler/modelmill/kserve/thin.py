"""Presets as LLMInferenceServiceConfigs, and services that say only what is not in them.

In: the presets under a model. Out: a configuration for each that says something KServe has a field
for; and of a specification what is left to say.

A configuration is what its preset changes about a stub of a model over the preset's own ancestors:
the same whichever model uses it, which only says whether it has a prefill role. What would name the
model is left out, and so is what KServe cannot merge: the picker's configuration, which it keeps as
raw JSON, and the pool, whose half its schema refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill import names
from modelmill.catalog import Document, read_document
from modelmill.catalogues import VersionSet
from modelmill.containers import Manifest
from modelmill.diagnostics import CompileError
from modelmill.kserve.difference import WHOLE, Impossible, difference
from modelmill.kserve.merging import KEYS, merge
from modelmill.kserve.rules import faults
from modelmill.kserve.specification import full_spec, unfit_fields
from modelmill.model_uri import UriFault
from modelmill.registries import Pulls, images_in, mirrored
from modelmill.resolve import Resolver, environments_of, target_of
from modelmill.resource import Resource, resource
from modelmill.spec.documents import API_VERSION
from modelmill.tree import plant
from modelmill.variant import BaseConfig, Variant, decode

KIND = "LLMInferenceServiceConfig"
SUFFIX = "-pd"
STUB = "modelmill-stub"
DECODE, PREFILL = "decode", "prefill"


def configs_of(resolver: Resolver, variant: Variant) -> tuple[BaseConfig, ...]:
    """The configurations under a variant, lowest first; none where its resource is written full."""
    if variant.kserve is None or variant.kserve.mode != "thin":
        return ()
    return tuple(
        found
        for preset in dict.fromkeys(preset.name for preset in variant.chain)
        if (found := _config(resolver, variant, resolver.catalog.presets[preset])) is not None
    )


def configs_used(
    resolver: Resolver, versions: VersionSet, overlay: Document
) -> dict[str, BaseConfig]:
    """The configurations that the services of an environment refer to, by name."""
    found: dict[str, BaseConfig] = {}
    target = target_of(overlay)
    if target is None or target.mode != "thin":
        return found
    for model in resolver.catalog.models.values():
        if overlay in environments_of(resolver.catalog, model):
            try:
                variant = decode(resolver.variant(model, overlay), versions)
            except CompileError:
                continue
            found |= {each.name: each for each in configs_of(resolver, variant)}
    return found


def environment_configs(
    versions: VersionSet, overlay: Document, used: Mapping[str, BaseConfig]
) -> tuple[Resource, ...]:
    """Those configurations as objects."""
    registries = {**versions.registries, **overlay.record.registries}
    return mirrored(_written(versions, overlay, used), Pulls(registries, versions.digests))


def environment_images(
    versions: VersionSet, overlay: Document, used: Mapping[str, BaseConfig]
) -> Iterator[str]:
    """The images that those configurations name, as they are written."""
    return images_in(_written(versions, overlay, used))


def _written(
    versions: VersionSet, overlay: Document, used: Mapping[str, BaseConfig]
) -> tuple[Resource, ...]:
    return tuple(
        resource(
            versions.apis[KIND],
            KIND,
            name,
            namespace=overlay.record.namespace,
            labels={names.MANAGED_BY: "modelmill"},
            spec=each.spec,
        )
        for name, each in sorted(used.items())
    )


def presets_behind(resolver: Resolver, used: Mapping[str, BaseConfig]) -> tuple[Document, ...]:
    """The presets that those configurations are made of."""
    chains = [
        resolver.chain((name,), None) for name in sorted({each.preset for each in used.values()})
    ]
    return tuple(dict.fromkeys(preset for chain in chains for preset in chain))


def thin_spec(full: Manifest, configs: tuple[BaseConfig, ...]) -> Manifest:
    """The specification over the configurations; raises Impossible where they say what the model
    does not."""
    if not configs:
        return full
    base: Manifest = {}
    for each in configs:
        base = merge(base, each.spec)
    refs = [{"name": each.name} for each in configs]
    wanted = {key: value for key, value in full.items() if key != "baseRefs"}
    left = _sound(difference(base, wanted), full)
    for fault in faults(left):
        raise Impossible(fault.path)
    return {"baseRefs": [*refs, *full.get("baseRefs", [])], **left}


def _sound(left: Manifest, full: Manifest) -> Manifest:
    """What is left, as KServe's webhook takes it alone: with a model's URI, and with the ranks of a
    group that it says something of."""
    found = {"model": full["model"], **left}
    if "worker" in found and "parallelism" in full:
        found["parallelism"] = full["parallelism"]
    if "worker" in found.get("prefill", {}) and "parallelism" in full["prefill"]:
        found["prefill"] = {**found["prefill"], "parallelism": full["prefill"]["parallelism"]}
    return found


def _config(resolver: Resolver, variant: Variant, preset: Document) -> BaseConfig | None:
    """What a preset says; None where that is nothing, or it cannot be read without a model."""
    key = (preset.name, variant.is_disaggregated, variant.environment)
    if key not in resolver.kept:
        resolver.kept[key] = _made(resolver, variant, preset)
    found = resolver.kept[key]
    return found if isinstance(found, BaseConfig) else None


def _made(resolver: Resolver, variant: Variant, preset: Document) -> BaseConfig | None:
    chain = resolver.chain((preset.name,), None)
    try:
        keys = _roles(resolver, chain, has_prefill=variant.is_disaggregated)
        below, above = (_stub_spec(resolver, variant, keys, each) for each in (chain[:-1], chain))
    except (CompileError, UriFault):
        return None
    said = _pruned(difference(below, above, is_strict=False))
    return BaseConfig(_name(resolver, variant, preset), preset.name, said) if said else None


def _name(resolver: Resolver, variant: Variant, preset: Document) -> str:
    """The preset's; of a model with a prefill role another that no preset has."""
    name = preset.name
    while variant.is_disaggregated and name in resolver.catalog.presets:
        name += SUFFIX
    return name


def _roles(
    resolver: Resolver, chain: tuple[Document, ...], *, has_prefill: bool
) -> tuple[str, ...]:
    """The roles of a stub: those that presets name, and what a model must have beside them."""
    tree = resolver.folded(chain).get("roles")
    named = {key: node.get("type") for key, node in tree.value.items()} if tree is not None else {}
    types = {key: node.value if node is not None else key for key, node in named.items()}
    found = list(types)
    if PREFILL not in types.values() and has_prefill:
        found.append(PREFILL)
    if all(each == PREFILL for each in types.values()):
        found.append(DECODE)
    return tuple(found)


def _stub_spec(
    resolver: Resolver, variant: Variant, keys: tuple[str, ...], presets: tuple[Document, ...]
) -> Manifest:
    """The specification of a model of which only presets say something."""
    spec = {
        "model": {"name": STUB, "uri": f"hf://{STUB}/{STUB}"},
        "engine": {"type": "vllm", "image": STUB},
        "roles": {key: {} for key in keys},
    }
    document = {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": {"name": STUB},
        "spec": spec,
    }
    stub = read_document("", plant(document, ("", 1, 1, 1)))
    found = decode(resolver.over(stub, variant.overlay, presets), variant.versions)
    unfit = unfit_fields(found)
    if unfit or any(role.engine is None for role in found.roles.values()):
        raise CompileError(unfit)
    return full_spec(found)


def _pruned(spec: Manifest) -> Manifest:
    """The specification without what is a model's own, or cannot stand in two layers."""
    found = {key: value for key, value in spec.items() if key != "model"}
    router = dict(found.get("router") or {})
    if "scheduler" in router:
        scheduler = router.pop("scheduler")
        kept = {k: v for k, v in scheduler.items() if k not in ("config", "pool")}
        # An empty one means something, unless it is what is left of more.
        found["router"] = {**router, **({"scheduler": kept} if kept or not scheduler else {})}
        if not found["router"]:
            del found["router"]
    for workload in (found, found.get("prefill")):
        if workload and "maxReplicas" not in workload.get("scaling", {"maxReplicas": 1}):
            del workload["scaling"]
        if workload and "cpu" not in workload.get("kvCacheOffloading", {"cpu": ""}):
            del workload["kvCacheOffloading"]
    pruned = _without_stub(found)
    return pruned if isinstance(pruned, dict) else {}


def _without_stub(value: Any, field: str = "") -> Any:
    """The value without what names the stub; None where nothing is left."""
    if _is_plain(value):
        return value
    if isinstance(value, dict) and field not in WHOLE:
        kept = {key: _without_stub(each, key) for key, each in value.items()}
        left = {key: each for key, each in kept.items() if each is not None}
        return left or None
    if isinstance(value, list) and field in KEYS:
        entries = [_without_stub(each, field) for each in value]
        left_over = [e for e in entries if e is not None and e.keys() - {KEYS[field]}]
        return left_over or None
    return None


def _is_plain(value: Any) -> bool:
    """Whether the stub is nowhere in it."""
    return STUB not in str(value)
