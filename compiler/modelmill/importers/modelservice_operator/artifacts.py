"""Where the weights come from, and what a pod needs for it.

In: spec.modelArtifacts. Out: volume, mount, environment and what templates say of the model: as the
operator takes any URI apart, or by the grammar of `model.uri`.
"""

from __future__ import annotations

from typing import Any

from modelmill.model_uri import ModelUri, UriFault, parse_uri
from modelmill.tuples import NamedTuple

VOLUME = "model-storage"
MOUNT = "/model-cache"
SCHEMES = ("hf", "pvc", "oci")
_HF = "hf://"
_PVC = "pvc://"
_SCHEMES_HINT = "a ModelService has hf://, pvc:// and, here, oci://"


class Artifacts(NamedTuple):
    """`volume` is None where the operator makes a mount without one."""

    hf_name: str
    path: str
    mounted_path: str
    volume: dict[str, Any] | None
    mount: dict[str, Any]
    env: list[dict[str, Any]]


def as_made(uri: str, secret: str, size: str) -> Artifacts | None:
    """What the operator makes of a URI; None where it refuses it: `unsupported prefix`."""
    if uri.startswith(_HF):
        name = uri.removeprefix(_HF)
        volume = _scratch(size) if name.count("/") == 1 else None
        return Artifacts(name, name, MOUNT, volume, _mount(), _hub_env(secret))
    if uri.startswith(_PVC):
        claim, slash, path = uri.removeprefix(_PVC).partition("/")
        mounted = f"{MOUNT}/{path}" if slash else ""
        volume = _claim(claim) if slash else None
        return Artifacts("", path, mounted, volume, _mount(read_only=True), [])
    return None


def corrected(uri: str, secret: str, size: str) -> Artifacts:
    """What a URI means; raises UriFault."""
    scheme, separator, _ = uri.partition("://")
    if not separator:
        raise UriFault(f"`{uri}` has no scheme", _SCHEMES_HINT)
    if scheme not in SCHEMES:
        raise UriFault(f"`{scheme}://` is not a scheme of a ModelService", _SCHEMES_HINT)
    found = parse_uri(uri, MOUNT)
    if found.scheme == "hf":
        name = found.hub_name
        return Artifacts(name, name, MOUNT, _scratch(size), _mount(), _hub_env(secret))
    volume = _claim(found.claim) if found.claim else _image(found)
    return Artifacts("", found.path, found.argument, volume, _mount(read_only=True), [])


def _mount(*, read_only: bool = False) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": VOLUME, "mountPath": MOUNT}
    return {**mount, "readOnly": True} if read_only else mount


def _scratch(size: str) -> dict[str, Any]:
    return {"name": VOLUME, "emptyDir": {"sizeLimit": size} if size else {}}


def _claim(name: str) -> dict[str, Any]:
    return {"name": VOLUME, "persistentVolumeClaim": {"claimName": name, "readOnly": True}}


def _image(uri: ModelUri) -> dict[str, Any]:
    return {"name": VOLUME, "image": {"reference": uri.image}}


def _hub_env(secret: str) -> list[dict[str, Any]]:
    token = {"secretKeyRef": {"name": secret, "key": "HF_TOKEN"}}
    home = {"name": "HF_HOME", "value": MOUNT}
    return [{"name": "HF_TOKEN", "valueFrom": token}, home] if secret else [home]
