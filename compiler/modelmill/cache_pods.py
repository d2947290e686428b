"""The pods that fill a model's cache: those of a Job, or of a DaemonSet.

In: a variant whose cache is filled. Out: their PodSpec, and the containers that download.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from modelmill import model_cache, model_volume, object_store
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    given,
    keyed,
    over,
    resources,
)
from modelmill.pod_specs import RESTRICTED, pod_spec
from modelmill.spec.pod import Pod
from modelmill.variant import Variant

TMP = "/tmp"
# Nothing in these pods needs time to stop.
GRACE_SECONDS = 5


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
    what it wrote. Its account is the namespace's, as the model's may not be there yet, unless a
    cloud knows the model's."""
    own = model_cache.download_of(variant).pod or Pod()
    engine = next(iter(model_cache.readers(variant).values())).pod or Pod()
    spec = pod_spec(
        own,
        account=variant.name if model_cache.has_identity(variant) else "default",
        uses_token=False,
        grace_seconds=GRACE_SECONDS,
        selector=selector,
        containers=containers,
        init_containers=list(init_containers),
        volumes=volumes,
        tolerations=tolerations or {},
        affinity=affinity,
    )
    theirs = over(over(RESTRICTED, engine.security_context), security)
    spec["securityContext"] = over(theirs, own.security_context)
    if not own.image_pull_secrets:
        spec.update(given(imagePullSecrets=keyed(engine.image_pull_secrets, "name")))
    return spec


def download_container(variant: Variant) -> Manifest:
    """Fetches everything into the cache, unless it is there."""
    download, weights = model_cache.download_of(variant), model_cache.weights_of(variant)
    done = model_cache.marker(variant, model_cache.fetches(variant))
    folder, _, _ = done.rpartition("/")
    markers = dict.fromkeys([model_cache.marker(variant, model_cache.awaited(variant)), done])
    script = [
        f"if [ -e {shlex.quote(done)} ]; then exit 0; fi",
        *model_cache.commands(model_cache.fetches(variant), weights.mount),
        f"mkdir -p {shlex.quote(folder)}",
        shlex.join(["touch", *markers]),
        "",
    ]
    env = {
        "HOME": TMP,
        "HF_HOME": f"{TMP}/huggingface",
        "HF_HUB_CACHE": f"{weights.mount}/{model_volume.HUB}",
        **model_cache.token_env(variant),
        **download.env,
    }
    return {
        "name": model_cache.COMPONENT,
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


def store_container(variant: Variant) -> list[Manifest]:
    """Fetches weights of an object store into the cache, before `download_container` tells so."""
    wanted = {
        f"{model_cache.weights_of(variant).mount}/{each.folder}": each.source
        for each in model_cache.fetches(variant)
        if object_store.scheme_of(each.source)
    }
    if not wanted:
        return []
    download = model_cache.download_of(variant)
    container = object_store.fetch_container(
        variant,
        model_cache.FETCH,
        wanted,
        [{"name": model_volume.NAME, "mountPath": model_cache.weights_of(variant).mount}],
        further_env=download.env,
        asked=download.resources,
        unless=model_cache.marker(variant, model_cache.fetches(variant)),
    )
    return [container]


def image(variant: Variant) -> str:
    """The image that fetches: an engine's has the hub's client, and is on the nodes anyway."""
    engine = next(iter(model_cache.readers(variant).values())).engine
    assert engine is not None
    return model_cache.download_of(variant).image or engine.image
