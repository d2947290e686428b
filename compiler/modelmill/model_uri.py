"""Where weights are: the `model.uri` schemes and what each means for a pod.

Schemes as llm-d's ModelService and KServe have them: hf://, pvc://, pvc+hf://, oci://; and object
stores: s3://, gs://.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

Scheme = Literal["hf", "pvc", "pvc+hf", "oci", "s3", "gs"]
SCHEMES: tuple[str, ...] = ("hf", "pvc", "pvc+hf", "oci", "s3", "gs")
OBJECT_STORES = ("s3", "gs")
_claim = regex(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_hub_name = regex(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_path = regex(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class ModelUri(NamedTuple):
    """A model's source.

    scheme    hf, pvc, pvc+hf, oci, s3 or gs; of what was fetched (`model_cache`) fetched, where the
              pod did it before its engine starts, or cache
    claim     PersistentVolumeClaim of a pvc scheme, or of a cache
    image     image of oci
    hub_name  ORG/MODEL of hf, pvc+hf and cache
    path      path below the mount: the weights of pvc, oci and of a bucket in a cache, the hub
              cache of pvc+hf and of a model of the hub in a cache
    mount     where the volume is mounted
    url       where an engine streams s3 and gs weights from; there is no volume then
    """

    scheme: str
    mount: str
    claim: str = ""
    image: str = ""
    hub_name: str = ""
    path: str = ""
    url: str = ""

    @property
    def argument(self) -> str:
        """What the engine is told to load: a hub name, an object store's URL, a path in the pod."""
        if self.hub_name or self.url:
            return self.hub_name or self.url
        return f"{self.mount}/{self.path}" if self.path else self.mount

    @property
    def hub_cache(self) -> str:
        """HF_HUB_CACHE of a pvc+hf or cache source."""
        return f"{self.mount}/{self.path}" if self.path else self.mount


class UriFault(ValueError):
    """Why a URI cannot be used; `hint` says what would do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@lru_cache(maxsize=4096)
def parse_uri(uri: str, mount: str) -> ModelUri:
    """Read `model.uri`; raises UriFault."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        raise UriFault(
            f"`{uri}` has no scheme", f"write hf://{uri}" if "/" in uri else _SCHEMES_HINT
        )
    if scheme not in SCHEMES:
        raise UriFault(f"`{scheme}://` is not a scheme modelmill knows", _SCHEMES_HINT)
    if not rest.strip("/"):
        raise UriFault(f"`{uri}` names nothing after its scheme", _EXAMPLES[scheme])
    mount = mount.rstrip("/")
    if scheme == "hf":
        if not _hub_name.fullmatch(rest):
            raise UriFault(f"`{rest}` is not a Hugging Face model", _EXAMPLES[scheme])
        return ModelUri(scheme, mount, hub_name=rest)
    if scheme == "oci":
        image, separator, path = rest.partition("::")
        path = path.strip("/")
        if separator and not _is_path(path):
            raise UriFault(f"`{uri}` does not name a path in the image", _EXAMPLES[scheme])
        return ModelUri(scheme, mount, image=image, path=path)
    if scheme in OBJECT_STORES:
        bucket, _, path = rest.partition("/")
        if not _claim.fullmatch(bucket) or not _is_path(path.rstrip("/")):
            raise UriFault(f"`{uri}` does not name a path in a bucket", _EXAMPLES[scheme])
        return ModelUri(scheme, mount, url=uri)
    claim, slash, path = rest.partition("/")
    if not _claim.fullmatch(claim):
        raise UriFault(f"`{claim}` is not the name of a PersistentVolumeClaim", _EXAMPLES[scheme])
    if scheme == "pvc" and slash and not path:
        return ModelUri(scheme, mount, claim=claim)
    path = path.rstrip("/")
    if not _is_path(path):
        whole = f", or {uri}/ for all of the claim" if scheme == "pvc" and not slash else ""
        hint = _EXAMPLES[scheme] + whole
        raise UriFault(f"`{uri}` does not name a path on the claim", hint)
    if scheme == "pvc":
        return ModelUri(scheme, mount, claim=claim, path=path)
    parts = path.split("/")
    if len(parts) < 2:
        raise UriFault(f"`{uri}` does not end in ORG/MODEL", _EXAMPLES[scheme])
    return ModelUri(
        scheme, mount, claim=claim, hub_name="/".join(parts[-2:]), path="/".join(parts[:-2])
    )


def _is_path(path: str) -> bool:
    return bool(_path.fullmatch(path)) and not any(part in (".", "..") for part in path.split("/"))


_SCHEMES_HINT = "schemes are " + ", ".join(f"{scheme}://" for scheme in SCHEMES)
_EXAMPLES = {
    "hf": "for example hf://Qwen/Qwen3-32B",
    "pvc": "for example pvc://models/llama-3-8b",
    "pvc+hf": "for example pvc+hf://models/hub/meta-llama/Llama-3.1-8B-Instruct",
    "s3": "for example s3://models/llama-3-8b",
    "gs": "for example gs://models/llama-3-8b",
    "oci": "for example oci://ghcr.io/acme/llama-3-8b:1.0::models",
}
