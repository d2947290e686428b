"""The volume a model's weights are on: its source, its mount, and what the hub's client must know.

In: the model and its parsed URI. Out: pieces of a pod. Decides nothing about the engine.
"""

from __future__ import annotations

from typing import Any

from modelmill.containers import Manifest, given
from modelmill.model_uri import ModelUri
from modelmill.spec.model import ModelSource

NAME = "model-storage"
DOWNLOADED = ("hf", "fetched")
"""Schemes of weights that each pod downloads for itself."""
HUB = "hub"
"""Folder of a cache that has the layout of the Hugging Face client's."""


def volume(model: ModelSource, weights: ModelUri) -> Manifest:
    """The pod's volume: scratch space for a download, a claim, an image, or a cache."""
    if weights.scheme in DOWNLOADED:
        return {"name": NAME, "emptyDir": given(sizeLimit=model.size)}
    if weights.scheme == "oci":
        return {
            "name": NAME,
            "image": {"reference": weights.image, "pullPolicy": "IfNotPresent"},
        }
    if weights.scheme == "cache" and model.cache and model.cache.node:
        folder = {"path": model.cache.node.path, "type": "DirectoryOrCreate"}
        return {"name": NAME, "hostPath": folder}
    read_only = model.read_only or weights.scheme == "cache"
    claim = given(claimName=weights.claim, readOnly=read_only or None)
    return {"name": NAME, "persistentVolumeClaim": claim}


def mount(model: ModelSource, weights: ModelUri) -> Manifest:
    """Where the engine's container has it."""
    known = {"hf": None, "fetched": True, "oci": True, "cache": True}
    read_only = known.get(weights.scheme, model.read_only)
    return given(name=NAME, mountPath=weights.mount, readOnly=read_only or None)


def scratch(model: ModelSource, weights: ModelUri) -> dict[str, str]:
    """What a download takes of the node's disk, so that the scheduler sees it."""
    wanted = weights.scheme in DOWNLOADED and model.size
    return {"ephemeral-storage": wanted} if wanted else {}


def env(model: ModelSource, weights: ModelUri) -> dict[str, Any]:
    """Variables of the Hugging Face client (huggingface_hub, environment variables)."""
    derived: dict[str, Any] = {}
    if weights.scheme == "hf":
        derived["HF_HOME"] = weights.mount
    elif weights.scheme == "cache" and weights.hub_name:
        # Nothing is asked of the hub, so that its token is not needed either.
        return {"HF_HUB_CACHE": weights.hub_cache, "HF_HUB_OFFLINE": "1"}
    elif weights.scheme == "pvc+hf":
        derived["HF_HUB_CACHE"] = weights.hub_cache
        if model.read_only:
            # It would try to write what it finds newer into the cache.
            derived["HF_HUB_OFFLINE"] = "1"
    if model.auth is not None and weights.hub_name:
        key_ref = {"name": model.auth.secret_name, "key": model.auth.secret_key}
        derived["HF_TOKEN"] = {"valueFrom": {"secretKeyRef": key_ref}}
    return derived
