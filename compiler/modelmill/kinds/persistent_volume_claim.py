"""PersistentVolumeClaim of a model's cache, where `model.cache.claim` asks for one.

No pruning takes it away: what it holds was hours of downloading. Its sync wave is the Job's: in a
wave of its own Argo CD would wait for it to be bound, and where the StorageClass binds by
WaitForFirstConsumer nothing binds it before the Job's pod (argoproj/argo-cd#12840). Within a wave
Argo CD applies claims before Jobs.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import model_cache, names
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

ANNOTATIONS = {
    "argocd.argoproj.io/sync-options": "Prune=false",
    "argocd.argoproj.io/sync-wave": "-1",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}


def emit(variant: Variant) -> Iterable[Resource]:
    cache = model_cache.cache_of(variant)
    if cache is None or cache.claim is None:
        return
    claim = cache.claim
    yield resource(
        "v1",
        "PersistentVolumeClaim",
        model_cache.claim_name(variant),
        labels=names.labels(variant.name, model_cache.COMPONENT, variant.labels),
        annotations=dict(ANNOTATIONS),
        spec={
            "accessModes": list(claim.access_modes),
            "resources": {"requests": {"storage": claim.size or variant.spec.model.size}},
            **given(storageClassName=claim.storage_class_name),
            "volumeMode": "Filesystem",
        },
    )
