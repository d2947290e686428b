"""LoRA adapters of a model: where each is in a pod, and under which names requests reach them.

In: a variant. Out: what an engine loads; the volumes, mounts and init container this takes.

An adapter on the hub is fetched by an init container into a folder, or by what fills the model's
cache: an engine that is told a hub name would take whatever `main` is that day, and could not start
without the hub (vllm/lora/utils.py, get_adapter_absolute_path).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from modelmill import model_cache
from modelmill.containers import Manifest, container_fields, env_list
from modelmill.engines import ENGINES, LoadedAdapter
from modelmill.model_uri import ModelUri, parse_uri
from modelmill.names import NAME_LIMIT
from modelmill.spec.adapters import Adapter
from modelmill.variant import Variant

SCHEMES = ("hf", "pvc", "oci")
TOP = "/adapters"
DOWNLOADED = "adapters"
"""Volume of adapters that an init container fetches, and the folder below TOP it is mounted at."""
DOWNLOADS = f"{TOP}/{DOWNLOADED}"


class Placed(NamedTuple):
    """An adapter in a pod. `volume` is "" where it is on the volume of the weights, or nowhere."""

    name: str
    adapter: Adapter
    source: ModelUri
    volume: str
    path: str


def placed(variant: Variant, key: str) -> list[Placed]:
    """The adapters of the role's pods."""
    weights = model_cache.weights_of(variant)
    found = []
    for name, adapter in variant.spec.model.adapters.items():
        source = parse_uri(adapter.uri, "")
        if key not in model_cache.readers(variant):
            # A simulator reads none; it takes any path.
            volume, path = "", f"{TOP}/{name}"
        elif source.hub_name:
            volume, path = _downloaded(variant, key, adapter, source)
        elif variant.spec.model.mounted and _same_volume(source, weights):
            volume, path = "", source._replace(mount=weights.mount).argument
        else:
            volume = _volume_name(source.claim or source.image)
            path = source._replace(mount=f"{TOP}/{volume}").argument
        found.append(Placed(name, adapter, source, volume, path))
    return found


def _downloaded(variant: Variant, key: str, adapter: Adapter, source: ModelUri) -> tuple[str, str]:
    folder = model_cache.adapter_folder(source.hub_name, adapter.revision)
    if model_cache.is_filled(variant):
        return "", f"{model_cache.weights_of(variant).mount}/{folder}"
    if variant.is_bare(key):
        # Its pods have no init container but those people wrote: the engine fetches it.
        return "", source.hub_name
    return DOWNLOADED, f"{TOP}/{folder}"


def _same_volume(source: ModelUri, weights: ModelUri) -> bool:
    """A volume that the pod has already is not mounted twice."""
    return (source.claim, source.image) == (weights.claim, weights.image)


def _volume_name(source: str) -> str:
    """A volume's name from a claim's or an image's, with a hash where letters had to go."""
    clean = re.sub(r"[^a-z0-9]+", "-", source).strip("-")
    if clean == source and len(f"{DOWNLOADED}-{clean}") <= NAME_LIMIT:
        return f"{DOWNLOADED}-{clean}"
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    return f"{DOWNLOADED}-{clean[-40:].strip('-')}-{digest}"


def loaded(variant: Variant, key: str) -> tuple[LoadedAdapter, ...]:
    """What the role's engine is told to load, by name."""
    return tuple(
        LoadedAdapter(
            each.name,
            each.path,
            each.adapter.base_model or variant.spec.model.name,
            each.adapter.rank,
        )
        for each in sorted(placed(variant, key))
    )


def volumes(variant: Variant, key: str) -> list[Manifest]:
    """A volume for each claim and image, and one for downloads."""
    found = {each.volume: _volume(each) for each in placed(variant, key) if each.volume}
    return [{"name": name, **found[name]} for name in sorted(found)]


def _volume(each: Placed) -> Manifest:
    if each.source.image:
        return {"image": {"reference": each.source.image, "pullPolicy": "IfNotPresent"}}
    if each.source.claim:
        return {"persistentVolumeClaim": {"claimName": each.source.claim, "readOnly": True}}
    return {"emptyDir": {}}


def mounts(variant: Variant, key: str) -> list[Manifest]:
    return [
        {"name": each["name"], "mountPath": f"{TOP}/{each['name']}", "readOnly": True}
        for each in volumes(variant, key)
    ]


def download(variant: Variant, key: str) -> list[Manifest]:
    """The init container that fetches adapters. The image is the engine's, which has the hub's
    client; so is the environment, which may name a mirror of the hub."""
    role = variant.roles[key]
    if not any(each["name"] == DOWNLOADED for each in volumes(variant, key)):
        return []
    assert role.engine is not None
    env = {
        **model_cache.token_env(variant),
        **role.engine.env,
        "HF_HOME": f"{DOWNLOADS}/.huggingface",
    }
    lines = model_cache.commands(model_cache.adapter_fetches(variant), TOP)
    container = {
        "name": DOWNLOADED,
        "image": role.engine.image,
        "command": ["/bin/sh", "-ec", "\n".join([*lines, ""])],
        "env": env_list(env),
        **container_fields(None),
        "volumeMounts": [{"name": DOWNLOADED, "mountPath": DOWNLOADS}],
    }
    return [container]


def names_served(variant: Variant) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name that requests may ask for, with the place where it is set: the model's, its
    adapters' and those that `routing.rewrites` stands for."""
    yield variant.spec.model.name, ("model", "name")
    for name in variant.spec.model.adapters:
        yield requested(variant, name), ("model", "adapters", name)
    known = {variant.spec.model.name, *variant.spec.model.adapters}
    for name in variant.routing.rewrites:
        if name not in known:
            yield name, ("routing", "rewrites", name)


def requested(variant: Variant, name: str) -> str:
    """What a request for the adapter says; some engines want the model's name before it."""
    engine = next((role.engine for role in variant.roles.values() if role.engine), None)
    form = ENGINES[engine.type].ADAPTER_NAME if engine else "{adapter}"
    known = variant.spec.model.adapters
    return form.format(model=variant.spec.model.name, adapter=name) if name in known else name
