"""Where KServe gets a model's weights and adapters from.

In: a variant. Out: `model` and `storageInitializer` of its resource, and the init container by
which KServe's download is given credentials (kserve/kserve,
pkg/controller/v1alpha2/llmisvc/workload_storage.go).
"""

from __future__ import annotations

from typing import Any

from modelmill import object_store
from modelmill.containers import Manifest, env_list, given
from modelmill.engines import ENGINES
from modelmill.model_uri import parse_uri
from modelmill.registries import pull
from modelmill.variant import Variant

INITIALIZER = "storage-initializer"
DOWNLOADED = ("hf", "s3")
"""Schemes whose weights an init container fetches."""


def has_weights(variant: Variant) -> bool:
    """Whether KServe is to put the weights into the pods: not where no engine reads any."""
    engines = [role.engine for role in variant.roles.values() if role.engine is not None]
    needed = any(ENGINES[engine.type].NEEDS_WEIGHTS for engine in engines)
    return variant.spec.model.mounted and needed


def is_declared_adapters(variant: Variant) -> bool:
    """Whether KServe gets the adapters and tells the engine of them."""
    return bool(variant.spec.model.adapters) and has_weights(variant)


def model(variant: Variant, limits: Manifest) -> Manifest:
    """`spec.model`. Adapters are by name, as KServe passes them on; `limits` of how many there may
    be."""
    source, lora = variant.spec.model, None
    if is_declared_adapters(variant):
        entries = [
            {"name": name, "uri": _revised(adapter.uri, adapter.revision)}
            for name, adapter in sorted(source.adapters.items())
        ]
        lora = {"adapters": entries, **limits}
    uri = _revised(source.uri, source.revision)
    scheme, separator, rest = uri.partition("://")
    if scheme == "oci":
        uri = f"{scheme}{separator}{pull(rest, variant.pulls)}"
    return given(name=source.name, uri=uri, lora=lora)


def _revised(uri: str, revision: str | None) -> str:
    """hf://ORG/MODEL:REVISION; an image without the path that KServe takes for granted."""
    scheme = parse_uri(uri, "").scheme
    if scheme == "oci":
        return uri.removesuffix("::models")
    if scheme == "pvc":
        return uri.removesuffix("/")
    return f"{uri}:{revision}" if revision and scheme == "hf" else uri


def initializer(variant: Variant) -> list[Manifest]:
    """What KServe's download is told beside its own: credentials, and the address of a store."""
    env = _env(variant) if has_weights(variant) else {}
    return [{"name": INITIALIZER, "env": env_list(env)}] if env else []


def _env(variant: Variant) -> dict[str, Any]:
    source = variant.spec.model
    if object_store.scheme_of(source.uri):
        return object_store.env(source)
    uris = [source.uri, *(each.uri for each in source.adapters.values())]
    if source.auth is None or not any(uri.startswith("hf://") for uri in uris):
        return {}
    key_ref = {"name": source.auth.secret_name, "key": source.auth.secret_key}
    return {"HF_TOKEN": {"valueFrom": {"secretKeyRef": key_ref}}}


def fetched_bytes(variant: Variant) -> str | None:
    """What a download takes of the node's disk; None where nothing is fetched, or it is unknown."""
    source = variant.spec.model
    fetched = parse_uri(source.uri, "").scheme in DOWNLOADED and has_weights(variant)
    return source.size if fetched else None
