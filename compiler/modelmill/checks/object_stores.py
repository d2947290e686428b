"""C565: weights in an object store reach their engine, by credentials that are there."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.model_cache import readers, weights_of
from modelmill.model_uri import UriFault, parse_uri
from modelmill.object_store import scheme_of
from modelmill.variant import Variant

READS = "defaults engine.argv engine.type model pod service_account worker"


def check(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    yield from _accounts(variant)
    try:
        parse_uri(model.uri, model.mount_path)
    except UriFault:
        return
    stores = {scheme_of(each) for each in _uris(variant)}
    scheme, _, _ = model.uri.partition("://")
    if model.loading is not None and not scheme_of(model.uri):
        message = f"`loading` means nothing for {scheme}:// weights"
        hint = "only s3:// and gs:// are streamed or downloaded; leave it out"
        yield warning("C565", message, variant.key_span_of("model", "loading"), hint)
    if model.endpoint is not None and "s3" not in stores:
        message = "`endpoint` is of an S3, and nothing is at s3://"
        yield warning("C565", message, variant.key_span_of("model", "endpoint"), "leave it out")
    elif model.endpoint is not None and not model.endpoint.startswith(("https://", "http://")):
        message = f"`{model.endpoint}` is not the address of a store"
        hint = "for example https://minio.storage.svc:9000"
        yield error("C565", message, variant.span_of("model", "endpoint"), hint)
    yield from _key(variant)
    yield from _download(variant)


def _uris(variant: Variant) -> Iterable[str]:
    yield variant.spec.model.uri
    for adapter in variant.spec.model.adapters.values():
        yield adapter.uri


def _key(variant: Variant) -> Iterable[Diagnostic]:
    """A Google service account is a file, whose key in the Secret people choose."""
    model = variant.spec.model
    named = variant.tree.get("model", "auth", "secretKey")
    if model.auth is not None and scheme_of(model.uri) == "gs" and named is None:
        yield error(
            "C565",
            "`auth` does not say which key of its Secret is the service account's file",
            variant.key_span_of("model", "auth"),
            "set `secretKey`, or leave `auth` out where the pods' own account may read the bucket",
        )


def _download(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    if not scheme_of(model.uri):
        return
    if model.loading == "downloaded" and not model.mounted:
        message = "the weights are downloaded, and engines do not mount them"
        span = variant.span_of("model", "mounted")
        yield error("C565", message, span, "leave out `mounted: false`")
    if weights_of(variant).scheme != "fetched" or not readers(variant):
        return
    if model.size is None:
        yield error(
            "C565",
            f"`{model.uri}` is downloaded into each pod, and nothing says how much that is",
            variant.span_of("model", "uri"),
            "set `model.size`: the room it takes on a node",
        )
    for key in readers(variant):
        if variant.is_bare(key):
            yield error(
                "C565",
                f"`{key}` has `defaults: none`, so nothing downloads its weights",
                variant.span_of("model", "uri"),
                "write an init container that does, and `pvc://`; or set `loading: streamed`",
            )


def _accounts(variant: Variant) -> Iterable[Diagnostic]:
    """Labels and annotations are for the account that is generated."""
    if variant.spec.service_account is None:
        return
    for key, role in variant.roles.items():
        account = role.pod.service_account_name if role.pod else None
        if account is not None:
            yield error(
                "C565",
                f"`{key}` runs as `{account}`, which `serviceAccount` is not written to",
                variant.span_of("roles", key, "pod", "serviceAccountName"),
                f"annotate `{account}` where it is kept, or leave `serviceAccountName` out",
            )
