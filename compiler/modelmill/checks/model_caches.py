"""C546, C547, C549: a model cache can be filled, holds what is pinned, and reaches every pod."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.groups import group_of
from modelmill.model_cache import cache_of, readers
from modelmill.model_uri import OBJECT_STORES
from modelmill.spec.cache import Cache, CacheClaim
from modelmill.variant import Variant

READS = (
    "accelerator autoscaling defaults engine.env engine.type model parallelism pod replicas worker"
)
PLACE = ("model", "cache")
FETCHED = ("hf", *OBJECT_STORES)


def check(variant: Variant) -> Iterable[Diagnostic]:
    cache, model = variant.spec.model.cache, variant.spec.model
    if cache is None:
        return
    if not model.mounted:
        yield _fault(
            variant,
            "the cache is filled, and engines do not mount it",
            "leave out `mounted: false`",
        )
    if cache_of(variant) is None:
        return
    scheme, _, _ = model.uri.partition("://")
    if not (cache.claim or cache.existing_claim or cache.node):
        yield _fault(
            variant, "the cache has no place", "set `claim: {}`, `existingClaim` or `node: {}`"
        )
    elif scheme not in FETCHED and (scheme != "oci" or cache.node is None):
        message = f"there is nothing to fetch of {scheme}:// weights"
        yield _fault(variant, message, "leave out `cache`; a `node` cache holds images too")
    elif scheme in OBJECT_STORES:
        yield from _stored(variant, cache)
    elif scheme == "hf":
        yield from _pinned(variant)
    if cache.claim is not None:
        yield from _claim(variant, cache.claim)
    if cache.node is not None:
        yield from _node(variant, cache)
    if cache.download and cache.download.pod and cache.download.pod.resource_claims:
        span = variant.key_span_of(*PLACE, "download", "pod", "resourceClaims")
        yield error("C546", "a download claims no devices", span, "leave it out")
    yield from _bare(variant)


def _fault(variant: Variant, message: str, hint: str) -> Diagnostic:
    return error("C546", message, variant.key_span_of(*PLACE), hint)


def _stored(variant: Variant, cache: Cache) -> Iterable[Diagnostic]:
    """A bucket has no revisions and no patterns. What is fetched is not fetched again, whoever
    writes over it."""
    if variant.spec.model.loading == "streamed":
        message = "the cache is filled, and engines stream from the bucket"
        yield _fault(variant, message, "leave out `loading: streamed`, or `cache`")
    if cache.download is not None and cache.download.exclude:
        span = variant.key_span_of(*PLACE, "download", "exclude")
        message = "`exclude` is for files of the hub: all of a bucket's folder is fetched"
        yield error("C546", message, span, "keep these files out of the folder")


def _pinned(variant: Variant) -> Iterable[Diagnostic]:
    """A download that is done is not done again, so that it must be of something that stays."""
    model = variant.spec.model
    hint = "set `revision` to a commit of the hub"
    if model.revision is None:
        message = f"`{model.uri}` is fetched into the cache once, and has no `revision`"
        yield error("C547", message, variant.span_of("model", "uri"), hint)
    for name, adapter in model.adapters.items():
        if adapter.revision is None and adapter.uri.startswith("hf://"):
            message = f"the adapter `{name}` is fetched into the cache once, and has no `revision`"
            yield error("C547", message, variant.span_of("model", "adapters", name, "uri"), hint)


def _claim(variant: Variant, claim: CacheClaim) -> Iterable[Diagnostic]:
    if claim.size is None and variant.spec.model.size is None:
        yield error(
            "C546",
            "the claim of the cache has no size",
            variant.key_span_of(*PLACE, "claim"),
            "set `model.size`, or `size` of the claim",
        )
    modes = ("model", "cache", "claim", "accessModes")
    if not claim.access_modes:
        yield error("C546", "the claim has no access mode", variant.span_of(*modes), "leave it out")
    elif "ReadWriteMany" not in claim.access_modes and _pods(variant) != 1:
        yield error(
            "C549",
            f"pods on several nodes cannot mount a claim that is {claim.access_modes[0]}",
            variant.span_of(*modes),
            "use a StorageClass that has ReadWriteMany, or `cache.node`",
        )


def _pods(variant: Variant) -> int:
    """Pods that mount the claim; 0 where a scaler says how many."""
    roles = readers(variant).values()
    if any(role.autoscaling for role in roles):
        return 0
    return sum(role.replicas * group_of(role).size for role in roles)


def _node(variant: Variant, cache: Cache) -> Iterable[Diagnostic]:
    assert cache.node is not None
    if not cache.node.path.startswith("/") or ".." in cache.node.path:
        yield error(
            "C546",
            f"`path` must be an absolute path of the node, not `{cache.node.path}`",
            variant.span_of(*PLACE, "node", "path"),
            "for example /var/lib/modelmill/models",
        )
    own = cache.download.pod if cache.download else None
    if own is not None and (own.node_selector or own.affinity):
        return
    for key, role in readers(variant).items():
        labelled = role.accelerator is not None and role.accelerator.node_labels
        if not labelled and not (role.pod and role.pod.node_selector):
            yield error(
                "C546",
                f"nothing says which nodes `{key}` runs on: the cache would fill all of them",
                variant.key_span_of(*PLACE, "node"),
                "set `accelerator.nodeLabels`, or `nodeSelector` of the role's or download's `pod`",
            )


def _bare(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in readers(variant).items():
        told = role.engine is not None and "HF_HUB_CACHE" in role.engine.env
        if variant.is_bare(key) and not told and variant.spec.model.uri.startswith("hf://"):
            yield error(
                "C546",
                f"`{key}` has `defaults: none`, so nothing tells its engine of the cache",
                variant.key_span_of(*PLACE),
                f"set HF_HUB_CACHE: {variant.spec.model.mount_path}/hub in its `engine.env`",
            )
