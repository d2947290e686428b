"""C502–C504: `model.uri` names weights a pod can mount or fetch; what goes with it fits it."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.checks.images import fault_of
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.engines import ENGINES
from modelmill.model_cache import readers
from modelmill.model_uri import UriFault, parse_uri
from modelmill.variant import Variant

READS = "engine.argv engine.type model"


def check(variant: Variant) -> Iterable[Diagnostic]:
    if not variant.roles:
        return
    model = variant.spec.model
    span = variant.span_of("model", "uri")
    try:
        weights = parse_uri(model.uri, model.mount_path)
    except UriFault as fault:
        yield error("C502", str(fault), span, fault.hint)
        return
    if not model.mount_path.startswith("/") or ".." in model.mount_path:
        yield error(
            "C502",
            f"`mountPath` must be an absolute path, not `{model.mount_path}`",
            variant.span_of("model", "mountPath"),
            "for example /model-cache",
        )
    elif not model.mount_path.strip("/"):
        message = "weights cannot be mounted over all of the image"
        hint = "a folder, for example /model-cache"
        yield error("C502", message, variant.span_of("model", "mountPath"), hint)
    if model.revision is not None and not weights.hub_name:
        yield warning(
            "C503",
            f"`revision` means nothing for {weights.scheme}:// weights",
            variant.span_of("model", "revision"),
            "only hf:// and pvc+hf:// have revisions; leave it out",
        )
    yield from _streams(variant, weights.url)
    is_open = weights.scheme == "oci" and not variant.is_locked(weights.image)
    reason = fault_of(weights.image) if is_open else ""
    if reason:
        yield error(
            "C504",
            f"the image `{weights.image}` {reason}",
            span,
            "name a tag or a digest (@sha256:…), or the weights change without a commit",
        )


def _streams(variant: Variant, url: str) -> Iterable[Diagnostic]:
    """Not every engine reads weights from an object store by itself."""
    if variant.spec.model.loading != "streamed":
        return
    for key, role in readers(variant).items():
        engine = role.engine
        if url and engine is not None and not ENGINES[engine.type].STREAMS and engine.argv is None:
            yield error(
                "C502",
                f"`{key}` runs {engine.type}, which does not stream {url}",
                variant.span_of("model", "loading"),
                "set `loading: downloaded`",
            )
