"""C502: `model.uri` must name weights a pod can mount or fetch, and what goes with it must fit it."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.model_uri import UriFault, parse_uri
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    span = variant.span_of("model", "uri")
    try:
        weights = parse_uri(model.uri, model.mount_path)
    except UriFault as fault:
        yield error("C502", str(fault), span, fault.hint)
        return
    if not model.mount_path.startswith("/") or ".." in model.mount_path:
        yield error(
            "C502", "`mountPath` must be an absolute path", variant.span_of("model", "mountPath")
        )
    if model.revision is not None and not weights.hub_name:
        yield warning(
            "C503",
            f"`revision` means nothing for {weights.scheme}:// weights",
            variant.span_of("model", "revision"),
            "name the revision in the URI",
        )
    if weights.scheme == "oci" and not _is_pinned(weights.image):
        yield error(
            "C504",
            f"the image `{weights.image}` has no tag or digest",
            span,
            "add one: weights that change without a commit cannot be reviewed",
        )


def _is_pinned(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "@sha256:" in image or (":" in name and not name.endswith(":latest"))
