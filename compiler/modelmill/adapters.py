"""LoRA adapters of a model: where each is in a pod, and under which names requests reach them.

In: a variant. Out: what an engine loads; the volumes, mounts and init container this takes.

An adapter on the hub is fetched by an init container into a folder, or by what fills the model's
cache: an engine that is told a hub name would take whatever `main` is that day, and could not start
without the hub (vllm/lora/utils.py, get_adapter_absolute_path). Only where adapters are loaded by a
sidecar (`adapter_sync`) does the engine fetch them, as an init container would have to run again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelmill import model_cache, object_store
from modelmill.containers import Manifest, container_fields, env_list
from modelmill.engines import ENGINES, LoadedAdapter
from modelmill.hashes import sha256
from modelmill.model_cache import Fetch
from modelmill.model_uri import ModelUri, parse_uri
from modelmill.names import NAME_LIMIT
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.adapters import Adapter
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

SCHEMES = ("hf", "pvc", "oci", "s3", "gs")
STORED = "stored-adapters"
"""The init container that fetches those of object stores."""
SYNCED_ENGINE = "vllm"
"""The engine whose server takes adapters while it runs, and finds them by name in a folder."""
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

    @property
    def is_downloaded(self) -> bool:
        """Whether an init container fetches it."""
        return self.volume == DOWNLOADED


def sync_of(variant: Variant, key: str) -> str:
    """Who loads adapters while the role's engine runs: `sidecar` or `resolver`; "" where they are
    loaded at its start."""
    role, sync = variant.roles[key], variant.spec.model.adapter_sync
    return sync.by if sync and role.engine and role.engine.type == SYNCED_ENGINE else ""


@shared(*OUTSIDE, *INSIDE, *PODS)
def placed(variant: Variant, key: str) -> list[Placed]:
    """The adapters of the role's pods."""
    weights = model_cache.weights_of(variant)
    found = []
    for name, adapter in variant.spec.model.adapters.items():
        source = parse_uri(adapter.uri, "")
        if not model_cache.reads(variant.roles[key]):
            # A simulator reads none; it takes any path.
            volume, path = "", f"{TOP}/{name}"
        elif source.hub_name or source.url:
            volume, path = _fetched(variant, key, name, adapter, source)
        elif variant.spec.model.mounted and _same_volume(source, weights):
            volume, path = "", source._replace(mount=weights.mount).argument
        else:
            volume = _volume_name(source.claim or source.image)
            path = source._replace(mount=f"{TOP}/{volume}").argument
        found.append(Placed(name, adapter, source, volume, path))
    return found


def _fetched(
    variant: Variant, key: str, name: str, adapter: Adapter, source: ModelUri
) -> tuple[str, str]:
    sync = sync_of(variant, key)
    folder = model_cache.adapter_folder(source.argument, adapter.revision)
    if source.hub_name and model_cache.is_filled(variant):
        return "", f"{model_cache.weights_of(variant).mount}/{folder}"
    if variant.is_bare(key) or sync == "sidecar":
        # A bare pod has no init container but those people wrote: the engine fetches it.
        return "", source.argument
    return DOWNLOADED, f"{DOWNLOADS}/{name}" if sync == "resolver" else f"{TOP}/{folder}"


def _same_volume(source: ModelUri, weights: ModelUri) -> bool:
    """A volume that the pod has already is not mounted twice."""
    return (source.claim, source.image) == (weights.claim, weights.image)


def _volume_name(source: str) -> str:
    """A volume's name from a claim's or an image's, with a hash where letters had to go."""
    clean = re.sub(r"[^a-z0-9]+", "-", source).strip("-")
    if clean == source and len(f"{DOWNLOADED}-{clean}") <= NAME_LIMIT:
        return f"{DOWNLOADED}-{clean}"
    digest = sha256(source)[:8]
    return f"{DOWNLOADED}-{clean[-40:].strip('-')}-{digest}"


def loaded(variant: Variant, key: str) -> tuple[LoadedAdapter, ...]:
    """What the role's engine is told to load, by name."""
    return tuple(
        LoadedAdapter(
            each.name,
            each.path,
            each.adapter.base_model or variant.spec.model.name,
            each.adapter.rank,
            each.adapter.pinned,
        )
        for each in sorted(placed(variant, key))
    )


def folder(variant: Variant, key: str) -> str:
    """The folder in which a resolver finds the role's adapters by their names; "" without one."""
    if sync_of(variant, key) != "resolver":
        return ""
    return next((folder_of(each) for each in placed(variant, key)), "")


def folder_of(each: Placed) -> str:
    """The folder in which the adapter is by its name; "" where it is by another."""
    ending = f"/{each.name}"
    return each.path.removesuffix(ending) if each.path.endswith(ending) else ""


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


def env(variant: Variant, key: str) -> dict[str, Any]:
    """What the engine needs to fetch adapters itself: the hub's token."""
    found = placed(variant, key)
    is_asked = any(each.source.hub_name and each.path == each.source.hub_name for each in found)
    return model_cache.token_env(variant) if is_asked else {}


def download(variant: Variant, key: str) -> list[Manifest]:
    """The init containers that fetch adapters, of the hub and of object stores."""
    wanted = {each.path: each for each in sorted(placed(variant, key)) if each.is_downloaded}
    of_hub = [each for each in wanted.values() if each.source.hub_name]
    of_stores = {path: each.source.url for path, each in wanted.items() if each.source.url}
    role = variant.roles[key]
    assert role.engine is not None or not wanted
    found = [_of_the_hub(variant, role, of_hub)] if of_hub else []
    if of_stores:
        asked = object_store.for_a_store(role.engine.env if role.engine else {})
        mount = {"name": DOWNLOADED, "mountPath": DOWNLOADS}
        found.append(
            object_store.fetch_container(variant, STORED, of_stores, [mount], further_env=asked)
        )
    return found


def _of_the_hub(variant: Variant, role: Role, wanted: list[Placed]) -> Manifest:
    """The image is the engine's, which has the hub's client; so is the environment, which may name
    a mirror of the hub."""
    assert role.engine is not None
    variables = {
        **model_cache.token_env(variant),
        **role.engine.env,
        "HF_HOME": f"{DOWNLOADS}/.huggingface",
    }
    fetches = [
        Fetch(each.source.hub_name, each.adapter.revision, folder=_below_top(each))
        for each in wanted
    ]
    return {
        "name": DOWNLOADED,
        "image": role.engine.image,
        "command": ["/bin/sh", "-ec", "\n".join([*model_cache.commands(fetches, TOP), ""])],
        "env": env_list(variables),
        **container_fields(None),
        "volumeMounts": [{"name": DOWNLOADED, "mountPath": DOWNLOADS}],
    }


def are_stored(variant: Variant, key: str) -> bool:
    """Whether an init container fetches adapters of an object store."""
    return any(each.is_downloaded and each.source.url for each in placed(variant, key))


def _below_top(each: Placed) -> str:
    return each.path.removeprefix(f"{TOP}/")


def names_served(variant: Variant) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name that requests may ask for, with the place where it is set: the model's, then its
    adapters' and those that `routing.rewrites` stands for, sorted."""
    yield variant.spec.model.name, ("model", "name")
    for name in sorted(variant.spec.model.adapters):
        yield requested(variant, name), ("model", "adapters", name)
    known = {variant.spec.model.name, *variant.spec.model.adapters}
    for name in sorted(variant.routing.rewrites):
        if name not in known:
            yield name, ("routing", "rewrites", name)


def requested(variant: Variant, name: str) -> str:
    """What a request for the adapter says; some engines want the model's name before it."""
    engine = next((role.engine for role in variant.roles.values() if role.engine), None)
    form = ENGINES[engine.type].ADAPTER_NAME if engine else "{adapter}"
    known = variant.spec.model.adapters
    return form.format(model=variant.spec.model.name, adapter=name) if name in known else name
