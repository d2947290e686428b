"""Weights kept in the cluster: where engines read them, and the pods that fetch them once.

In: a variant. Out: the place of the weights, the wait until they are complete, and pieces of the
Job or DaemonSet that fills it. Engines never ask the hub: what they serve is what was fetched.

Whatever fills a cache writes a marker last, named by a digest of what it fetched. It fetches
nothing where the marker is there; broken off, it goes on where it stopped (huggingface_hub keeps
what is complete). Engines wait for the marker, so that none reads half a model, whoever applies the
objects and in whatever order.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable
from typing import Any, NamedTuple

from modelmill import model_volume
from modelmill.containers import (
    RESTRICTED_POD,
    Manifest,
    container_fields,
    env_list,
    given,
    keyed,
    over,
    pod_spec,
    resources,
)
from modelmill.engines import ENGINES
from modelmill.model_uri import ModelUri, parse_uri
from modelmill.names import child_name, label_value
from modelmill.spec.cache import Cache, Download
from modelmill.spec.pod import Pod
from modelmill.spec.role import Role
from modelmill.variant import Variant

COMPONENT = "download"
WAIT = "wait-for-weights"
TMP = "/tmp"
# Nothing in these pods needs time to stop.
GRACE_SECONDS = 5


class Fetch(NamedTuple):
    """One thing to download. `folder`: below the cache, of an adapter; "" for weights, which are in
    the layout of the hub's client."""

    hub_name: str
    revision: str | None
    exclude: tuple[str, ...] = ()
    folder: str = ""


def readers(variant: Variant) -> dict[str, Role]:
    """The roles whose engines read weights from a volume."""
    return {
        key: role
        for key, role in variant.roles.items()
        if role.engine is not None and ENGINES[role.engine.type].NEEDS_WEIGHTS
    }


def cache_of(variant: Variant) -> Cache | None:
    """The model's cache, where an engine reads from it: a simulator needs none."""
    model = variant.spec.model
    return model.cache if model.mounted and readers(variant) else None


def weights_of(variant: Variant) -> ModelUri:
    """Where the weights are: at `model.uri`, or in the cache they were fetched into."""
    model = variant.spec.model
    found, cache = parse_uri(model.uri, model.mount_path), cache_of(variant)
    if cache is None or found.scheme != "hf":
        return found
    claim = "" if cache.node else cache.existing_claim or claim_name(variant)
    return found._replace(scheme="cache", claim=claim, path=model_volume.HUB)


def is_filled(variant: Variant) -> bool:
    """Whether weights and adapters are fetched into a cache."""
    return weights_of(variant).scheme == "cache"


def claim_name(variant: Variant) -> str:
    return child_name(variant.name, "model-cache")


def download_of(variant: Variant) -> Download:
    cache = cache_of(variant)
    return (cache.download if cache else None) or Download()


def adapter_folder(hub_name: str, revision: str | None) -> str:
    """Folder of a downloaded adapter, which no other adapter and no other revision has."""
    digest = hashlib.sha256(f"{hub_name}@{revision or ''}".encode()).hexdigest()[:8]
    return f"adapters/{label_value(hub_name)}-{digest}"


def fetches(variant: Variant) -> list[Fetch]:
    """What a cache holds: the weights, and the adapters that are on the hub."""
    model = variant.spec.model
    weights = weights_of(variant)
    found = [Fetch(weights.hub_name, model.revision, download_of(variant).exclude)]
    return [*found, *adapter_fetches(variant)]


def adapter_fetches(variant: Variant) -> list[Fetch]:
    """The adapters that are on the hub."""
    found = {}
    for each in variant.spec.model.adapters.values():
        hub_name = parse_uri(each.uri, "").hub_name
        if hub_name:
            folder = adapter_folder(hub_name, each.revision)
            found[folder] = Fetch(hub_name, each.revision, folder=folder)
    return list(found.values())


def marker(variant: Variant) -> str:
    """Path of the file that says that all is there."""
    text = json.dumps(fetches(variant))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{weights_of(variant).mount}/.modelmill/{digest}"


def commands(found: Iterable[Fetch], top: str) -> list[str]:
    """Lines of a shell that fetch (huggingface_hub, `hf download`)."""
    lines = []
    for each in found:
        words = ["hf", "download", each.hub_name]
        words += ["--revision", each.revision] if each.revision else []
        for pattern in each.exclude:
            words += ["--exclude", pattern]
        words += ["--local-dir", f"{top}/{each.folder}"] if each.folder else []
        lines.append(shlex.join(words))
    return lines


def token_env(variant: Variant) -> dict[str, Any]:
    auth = variant.spec.model.auth
    if auth is None:
        return {}
    key_ref = {"name": auth.secret_name, "key": auth.secret_key}
    return {"HF_TOKEN": {"valueFrom": {"secretKeyRef": key_ref}}}


def image(variant: Variant) -> str:
    """The image that fetches: an engine's has the hub's client, and is on the nodes anyway."""
    engine = next(iter(readers(variant).values())).engine
    assert engine is not None
    return download_of(variant).image or engine.image


def download_container(variant: Variant) -> Manifest:
    """Fetches everything into the cache, unless it is there."""
    download, weights = download_of(variant), weights_of(variant)
    done = marker(variant)
    folder, _, _ = done.rpartition("/")
    script = [
        f"if [ -e {shlex.quote(done)} ]; then exit 0; fi",
        *commands(fetches(variant), weights.mount),
        f"mkdir -p {shlex.quote(folder)}",
        f"touch {shlex.quote(done)}",
        "",
    ]
    env = {
        "HOME": TMP,
        "HF_HOME": f"{TMP}/huggingface",
        "HF_HUB_CACHE": weights.hub_cache,
        **token_env(variant),
        **download.env,
    }
    return {
        "name": COMPONENT,
        "image": image(variant),
        "command": ["/bin/sh", "-ec", "\n".join(script)],
        "env": env_list(env),
        **given(resources=resources(download.resources)),
        **container_fields(None),
        "volumeMounts": [
            {"name": model_volume.NAME, "mountPath": weights.mount},
            {"name": "tmp", "mountPath": TMP},
        ],
    }


def waiting(variant: Variant, key: str) -> list[Manifest]:
    """The init container that holds an engine back until its weights are complete. A bare pod has
    none."""
    role = variant.roles[key]
    if variant.is_bare(key) or key not in readers(variant) or not is_filled(variant):
        return []
    assert role.engine is not None
    weights = weights_of(variant)
    script = f"until [ -e {shlex.quote(marker(variant))} ]; do sleep 5; done"
    container = {
        "name": WAIT,
        "image": role.engine.image,
        "command": ["/bin/sh", "-c", script],
        **container_fields(None),
        "volumeMounts": [model_volume.mount(variant.spec.model, weights)],
    }
    return [container]


def filling_pod(
    variant: Variant,
    *,
    containers: list[Manifest],
    volumes: list[Manifest],
    selector: dict[str, str],
    init_containers: Iterable[Manifest] = (),
    tolerations: Manifest | None = None,
    affinity: Manifest | None = None,
    security: Manifest | None = None,
) -> Manifest:
    """The PodSpec of what fills a cache. It runs as the engine does, so that the engine can read
    what it wrote. Its account is the namespace's: the model's may not be there yet."""
    own = download_of(variant).pod or Pod()
    engine = next(iter(readers(variant).values())).pod or Pod()
    spec = pod_spec(
        own,
        account="default",
        uses_token=False,
        grace_seconds=GRACE_SECONDS,
        selector=selector,
        containers=containers,
        init_containers=list(init_containers),
        volumes=volumes,
        tolerations=tolerations or {},
        affinity=affinity,
    )
    theirs = over(over(RESTRICTED_POD, engine.security_context), security)
    spec["securityContext"] = over(theirs, own.security_context)
    if not own.image_pull_secrets:
        spec.update(given(imagePullSecrets=keyed(engine.image_pull_secrets, "name")))
    return spec
