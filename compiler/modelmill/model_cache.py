"""Weights kept in the cluster: where engines read them, and what is fetched once.

In: a variant. Out: the place of the weights, what is to be fetched, and the wait until it is all
there. Engines never ask the hub: what they serve is what was fetched. What fills a cache:
`cache_pods`.
Without a cache each pod downloads what its engine cannot stream (`object_store`).

Whatever fills a cache writes a marker last, named by a digest of what it fetched. It fetches
nothing where the marker is there; broken off, it goes on where it stopped (huggingface_hub keeps
what is complete). Engines wait for the marker, so that none reads half a model, whoever applies the
objects and in whatever order.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from typing import Any

from modelmill import model_volume, object_store
from modelmill.containers import Manifest, container_fields
from modelmill.engines import ENGINES
from modelmill.hashes import sha256
from modelmill.model_uri import OBJECT_STORES, ModelUri, parse_uri
from modelmill.names import child_name, label_value
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.cache import Cache, Download
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

COMPONENT = "download"
FETCH = "fetch-weights"
WAIT = "wait-for-weights"


class Fetch(NamedTuple):
    """One thing to download. `source`: its name on the hub, or its URL in an object store.
    `folder`: below the cache; "" for weights of the hub, which are in the layout of its client."""

    source: str
    revision: str | None
    exclude: tuple[str, ...] = ()
    folder: str = ""


def readers(variant: Variant) -> dict[str, Role]:
    """The roles whose engines read weights from a volume."""
    return {key: role for key, role in variant.roles.items() if reads(role)}


def reads(role: Role) -> bool:
    return role.engine is not None and ENGINES[role.engine.type].NEEDS_WEIGHTS


def cache_of(variant: Variant) -> Cache | None:
    """The model's cache, where an engine reads from it: a simulator needs none."""
    model = variant.spec.model
    return model.cache if model.mounted and any(map(reads, variant.roles.values())) else None


@shared(*OUTSIDE, *INSIDE, *PODS)
def weights_of(variant: Variant) -> ModelUri:
    """Where the weights are: at `model.uri`, or in the cache or the pod they were fetched into."""
    model = variant.spec.model
    found, cache = parse_uri(model.uri, model.mount_path), cache_of(variant)
    if cache is not None and found.scheme in ("hf", *OBJECT_STORES):
        claim = "" if cache.node else cache.existing_claim or claim_name(variant)
        path = object_store.folder(model.uri) if found.url else model_volume.HUB
        return found._replace(scheme="cache", claim=claim, path=path, url="")
    if found.url and is_downloaded(variant):
        return found._replace(scheme="fetched", url="")
    return found


def is_downloaded(variant: Variant) -> bool:
    """Whether pods download what is in an object store, as asked for or because an engine cannot
    stream it. Of an engine that is told word for word it is not known."""
    model = variant.spec.model
    if model.loading is not None or not model.mounted:
        return model.mounted and model.loading == "downloaded"
    engines = [role.engine for role in readers(variant).values() if role.engine is not None]
    return any(each.argv is None and not ENGINES[each.type].STREAMS for each in engines)


def is_filled(variant: Variant) -> bool:
    """Whether weights and adapters are fetched into a cache."""
    return weights_of(variant).scheme == "cache"


def claim_name(variant: Variant) -> str:
    return child_name(variant.name, "model-cache")


def has_identity(variant: Variant) -> bool:
    """Whether what fills the cache opens a bucket as the model's own ServiceAccount."""
    asked = variant.spec.service_account is not None and is_filled(variant)
    return asked and bool(object_store.scheme_of(variant.spec.model.uri))


def download_of(variant: Variant) -> Download:
    cache = cache_of(variant)
    return (cache.download if cache else None) or Download()


def adapter_folder(hub_name: str, revision: str | None) -> str:
    """Folder of a downloaded adapter, which no other adapter and no other revision has."""
    digest = sha256(f"{hub_name}@{revision or ''}")[:8]
    return f"adapters/{label_value(hub_name)}-{digest}"


def fetches(variant: Variant) -> list[Fetch]:
    """What a cache holds: the weights, and the adapters that are on the hub."""
    model = variant.spec.model
    weights = weights_of(variant)
    if not weights.hub_name:
        return [Fetch(model.uri, None, folder=weights.path), *adapter_fetches(variant)]
    found = [Fetch(weights.hub_name, model.revision, download_of(variant).exclude)]
    return [*found, *adapter_fetches(variant)]


def adapter_fetches(variant: Variant) -> list[Fetch]:
    """The adapters that are on the hub."""
    found = {}
    for _, each in sorted(variant.spec.model.adapters.items()):
        hub_name = parse_uri(each.uri, "").hub_name
        if hub_name:
            folder = adapter_folder(hub_name, each.revision)
            found[folder] = Fetch(hub_name, each.revision, folder=folder)
    return list(found.values())


def awaited(variant: Variant) -> list[Fetch]:
    """What an engine waits for. Adapters that a sidecar loads may come while it runs, so that a
    change of them must not change its pods."""
    sync = variant.spec.model.adapter_sync
    return fetches(variant)[:1] if sync and sync.by == "sidecar" else fetches(variant)


def marker(variant: Variant, found: list[Fetch]) -> str:
    """Path of the file that says that these are there."""
    text = json.dumps(found)
    digest = sha256(text)[:16]
    return f"{weights_of(variant).mount}/.modelmill/{digest}"


def commands(found: Iterable[Fetch], top: str) -> list[str]:
    """Lines of a shell that fetch what is on the hub (huggingface_hub, `hf download`)."""
    lines = []
    for each in found:
        if object_store.scheme_of(each.source):
            continue
        words = ["hf", "download", each.source]
        words += ["--revision", each.revision] if each.revision else []
        for pattern in each.exclude:
            words += ["--exclude", pattern]
        words += ["--local-dir", f"{top}/{each.folder}"] if each.folder else []
        lines.append(shlex.join(words))
    return lines


def token_env(variant: Variant) -> dict[str, Any]:
    """The hub's token. What is in `auth` of weights in an object store opens that."""
    auth = variant.spec.model.auth
    if auth is None or object_store.scheme_of(variant.spec.model.uri):
        return {}
    key_ref = {"name": auth.secret_name, "key": auth.secret_key}
    return {"HF_TOKEN": {"valueFrom": {"secretKeyRef": key_ref}}}


def fetching(variant: Variant, key: str) -> list[Manifest]:
    """The init container that downloads weights of an object store into the pod. A bare pod has
    none."""
    role, weights = variant.roles[key], weights_of(variant)
    if weights.scheme != "fetched" or variant.is_bare(key) or not reads(role):
        return []
    assert role.engine is not None
    container = object_store.fetch_container(
        variant,
        FETCH,
        {weights.mount: variant.spec.model.uri},
        [{"name": model_volume.NAME, "mountPath": weights.mount}],
        further_env=object_store.for_a_store(role.engine.env),
    )
    return [container]


def waiting(variant: Variant, key: str) -> list[Manifest]:
    """The init container that holds an engine back until its weights are complete. A bare pod has
    none."""
    role = variant.roles[key]
    if not is_filled(variant) or variant.is_bare(key) or not reads(role):
        return []
    assert role.engine is not None
    weights, done = weights_of(variant), marker(variant, awaited(variant))
    script = f"until [ -e {shlex.quote(done)} ]; do sleep 5; done"
    container = {
        "name": WAIT,
        "image": role.engine.image,
        "command": ["/bin/sh", "-c", script],
        **container_fields(None),
        "volumeMounts": [model_volume.mount(variant.spec.model, weights)],
    }
    return [container]
