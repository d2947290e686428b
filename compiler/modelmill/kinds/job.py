"""Job that fills the claim of a model's cache, once.

A Job's pods cannot be changed, so its name ends in a digest of them: another revision, adapter or
image is another Job, and what is unchanged is not run again. Another Job over weights that are
there finds its marker, or fetches what is missing. It has no ttlSecondsAfterFinished: a Job that is
gone is one that a GitOps controller makes anew.

Argo CD waits until it is complete before it applies the model's workloads (`waves`). Engines wait
as well (`model_cache`), for controllers that know no waves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from modelmill import cache_pods, model_cache, model_volume, names, object_store
from modelmill.containers import Manifest, given
from modelmill.hashes import sha256
from modelmill.names import child_name
from modelmill.registries import mirrored_pod
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

# A terabyte at 100 Mbit/s. A pod that fails starts again where it stopped.
DEADLINE_SECONDS = 86_400
RETRIES = 10


def emit(variant: Variant) -> Iterable[Resource]:
    cache = model_cache.cache_of(variant)
    if cache is None or cache.node is not None or not model_cache.is_filled(variant):
        return
    spec = _spec(variant)
    template = spec["template"]
    # As it runs: another registry, or another image of the same tag, makes another pod.
    pulled = {**template, "spec": mirrored_pod(template["spec"], variant.pulls)}
    text = json.dumps({**spec, "template": pulled}, sort_keys=True)
    digest = sha256(text)[:8]
    yield resource(
        "batch/v1",
        "Job",
        child_name(variant.name, f"{model_cache.COMPONENT}-{digest}"),
        labels=names.labels(variant.name, model_cache.COMPONENT, variant.labels),
        spec=spec,
    )


def _spec(variant: Variant) -> Manifest:
    own = model_cache.download_of(variant).pod
    labels = {**variant.labels, **(own.labels if own else {})}
    claim = {"claimName": model_cache.weights_of(variant).claim}
    pod = cache_pods.filling_pod(
        variant,
        init_containers=cache_pods.store_container(variant),
        containers=[cache_pods.download_container(variant)],
        volumes=[
            {"name": model_volume.NAME, "persistentVolumeClaim": claim},
            {"name": "tmp", "emptyDir": {}},
            *object_store.volumes(variant.spec.model),
        ],
        selector=names.selector(variant.name, model_cache.COMPONENT),
    )
    return {
        "parallelism": 1,
        "completions": 1,
        "completionMode": "NonIndexed",
        "suspend": False,
        "backoffLimit": RETRIES,
        "activeDeadlineSeconds": DEADLINE_SECONDS,
        "template": {
            "metadata": given(
                labels=names.labels(variant.name, model_cache.COMPONENT, labels),
                annotations=dict(sorted(own.annotations.items())) if own else None,
            ),
            "spec": {**pod, "restartPolicy": "OnFailure"},
        },
    }
