"""C504: images are pinned by tag or digest, never `latest`."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.picker_parameters import helpers
from modelmill.variant import Variant
from modelmill.written import containers_beside

READS = (
    "dual_pods engine.image model pod routing.scheduler.config routing.scheduler.image "
    "routing.scheduler.latency_predictor routing.scheduler.pod routing.scheduler.tokenizer "
    "routing.sidecar worker"
)
PIN = "name a release's tag or a digest (@sha256:…)"
MUTABLE = frozenset({"latest", "main", "master", "nightly", "dev", "edge"})


def check(variant: Variant) -> Iterable[Diagnostic]:
    for path, image in _images(variant):
        reason = "" if variant.is_locked(image) else fault_of(image)
        if reason:
            yield error(
                "C504",
                f"the image `{image}` {reason}",
                variant.span_of(*path),
                PIN,
            )


def _images(variant: Variant) -> Iterable[tuple[tuple[str, ...], str]]:
    for key, role in variant.roles.items():
        if role.engine is not None and role.engine.image:
            yield ("roles", key, "engine", "image"), role.engine.image
        if role.dual_pods is not None:
            yield ("roles", key, "dualPods", "image"), role.dual_pods.image
    for name, adapter in variant.spec.model.adapters.items():
        scheme, _, rest = adapter.uri.partition("://")
        if scheme == "oci" and rest:
            yield ("model", "adapters", name, "uri"), rest.partition("::")[0]
    sync = variant.spec.model.adapter_sync
    if sync is not None and sync.image is not None:
        yield ("model", "adapterSync", "image"), sync.image
    cache = variant.spec.model.cache
    if cache is not None and cache.download is not None and cache.download.image is not None:
        yield ("model", "cache", "download", "image"), cache.download.image
    for place, container in containers_beside(variant):
        yield (*place, "image"), container.image
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.image is not None:
        yield ("routing", "scheduler", "image"), scheduler.image
    for place, helper in helpers(variant):
        if helper.image is not None:
            yield (*place, "image"), helper.image
    if variant.sidecar.image is not None:
        yield ("routing", "sidecar", "image"), variant.sidecar.image


def fault_of(image: str) -> str:
    """Why an image may change under its name; "" if it cannot."""
    if "@sha256:" in image:
        return ""
    _, _, name = image.rpartition("/")
    _, colon, tag = name.partition(":")
    if not colon or not tag:
        return "has no tag or digest"
    return f"has the tag `{tag}`, which moves" if tag in MUTABLE else ""
