"""C582: KServe fetches a model's weights and adapters from where they are.

Source: kserve/kserve v0.20, pkg/controller/v1alpha2/llmisvc/workload_storage.go and
workload_lora.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.kserve.engine import WEIGHTS, is_scripted
from modelmill.kserve.storage import is_declared_adapters
from modelmill.model_uri import UriFault, parse_uri
from modelmill.variant import Variant

SCHEMES = ("hf", "s3", "pvc", "oci")
SCHEMES_OF_ADAPTERS = ("hf", "s3", "pvc")
FOLDER = "models"
"""Where KServe looks in an image."""


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    yield from _weights(variant)
    yield from _settings(variant)
    yield from _adapters(variant)


def _weights(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    source = _parsed(model.uri)
    span = variant.span_of("model", "uri")
    if source is None or not model.mounted:
        return
    if source[0] not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        message = f"KServe fetches no weights from {source[0]}://"
        yield error("C582", message, span, f"it knows {known}")
    elif source[0] == "oci" and source[1] not in ("", FOLDER):
        message = (
            f"KServe looks for weights in the folder `{FOLDER}` of an image, not in `{source[1]}`"
        )
        yield error("C582", message, span, f"build the image with /{FOLDER}")


def _parsed(uri: str) -> tuple[str, str] | None:
    """Scheme and path; None where `checks.weights` says why it cannot be used."""
    try:
        found = parse_uri(uri, "")
    except UriFault:
        return None
    return found.scheme, found.path


def _settings(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    if model.cache is not None:
        yield error(
            "C582",
            "KServe reads no cache of modelmill's: it downloads weights for every pod",
            variant.key_span_of("model", "cache"),
            "unset it there; KServe's own is LocalModelCache",
        )
    if model.adapter_sync is not None:
        yield error(
            "C582",
            "KServe loads adapters when an engine starts",
            variant.key_span_of("model", "adapterSync"),
            "unset it there",
        )
    if variant.tree.get("model", "mountPath") is not None and model.mount_path != WEIGHTS:
        yield error(
            "C582",
            f"KServe mounts weights at {WEIGHTS}",
            variant.span_of("model", "mountPath"),
            "leave it out",
        )
    if not model.read_only and model.uri.startswith("pvc"):
        yield error(
            "C582",
            "KServe mounts a claim read-only",
            variant.span_of("model", "readOnly"),
            "leave it out, or mount the claim by `pod.volumes`",
        )
    if model.loading == "streamed":
        yield error(
            "C582",
            "KServe downloads weights before an engine starts; none streams them",
            variant.span_of("model", "loading"),
            "leave it out",
        )


def _adapters(variant: Variant) -> Iterable[Diagnostic]:
    model = variant.spec.model
    if model.adapters and not model.mounted:
        yield error(
            "C582",
            "KServe fetches no adapters for a model whose weights it is not to mount",
            variant.key_span_of("model", "adapters"),
            "leave `mounted` out, or have the adapters in the image",
        )
    if not is_declared_adapters(variant):
        return
    for name, adapter in model.adapters.items():
        source, place = _parsed(adapter.uri), ("model", "adapters", name)
        if source is not None and source[0] not in SCHEMES_OF_ADAPTERS:
            known = ", ".join(f"{each}://" for each in SCHEMES_OF_ADAPTERS)
            message = f"KServe fetches no adapter from {source[0]}://"
            yield error("C582", message, variant.span_of(*place, "uri"), f"it knows {known}")
        if adapter.base_model not in (None, model.name):
            message = f"KServe knows no other base model of `{name}` than `{model.name}`"
            yield error("C582", message, variant.span_of(*place, "baseModel"), "leave it out")
    for key, role in variant.roles.items():
        if role.engine is not None and not is_scripted(role):
            yield error(
                "C582",
                f"KServe tells its adapters to its own start of vLLM, and `{key}` has another",
                variant.key_span_of("model", "adapters"),
                f"unset them, or `engine.command` of `{key}`",
            )
