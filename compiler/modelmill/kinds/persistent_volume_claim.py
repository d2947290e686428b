"""PersistentVolumeClaim of a model's cache, where `model.cache.claim` asks for one.

What it holds was hours of downloading: what keeps it from being pruned, `delivery` says.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import model_cache, names
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.variant import Variant


@shared(*OUTSIDE, *INSIDE, *PODS)
def emit(variant: Variant) -> Iterable[Resource]:
    cache = model_cache.cache_of(variant)
    if cache is None or cache.claim is None:
        return ()
    claim = cache.claim
    made = resource(
        "v1",
        "PersistentVolumeClaim",
        model_cache.claim_name(variant),
        labels=names.labels(variant.name, model_cache.COMPONENT, variant.labels),
        spec={
            "accessModes": list(claim.access_modes),
            "resources": {"requests": {"storage": claim.size or variant.spec.model.size}},
            **given(storageClassName=claim.storage_class_name),
            "volumeMode": "Filesystem",
        },
    )
    return (made,)
