"""Where a release's weights come from, and how its containers find them.

In: a release. Out: the volume, its mount, the argument that names the model and the environment
that goes with it (_helpers.tpl mountModelVolumeVolumes, argsByProtocol, hfEnv).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.importers.modelservice_chart.accelerator import SIMULATOR
from modelmill.importers.modelservice_chart.facts import ROLES, ModelFacts
from modelmill.importers.modelservice_chart.release import Release, is_former, model_labels
from modelmill.tuples import NamedTuple

VOLUME = "model-storage"
DEFAULT_MOUNT = "/model-cache"
STREAMED = ("s3", "gs")
GENERATED = ("vllmServe", "imageDefault")


class Source(NamedTuple):
    """`modelArtifacts.uri` in two: before and after `://`; equal where there is none."""

    scheme: str
    rest: str


def source(release: Release) -> Source:
    parts = str(release.get("modelArtifacts", "uri") or "").split("://")
    rest = parts[-1]
    if parts[0] == "hf" and len(rest) > 1 and rest[0] == rest[-1] and rest[0] in "\"'":
        rest = rest[1:-1]
    return Source(parts[0], rest)


def mount_path(release: Release) -> str:
    return str(release.get("modelArtifacts", "mountPath") or DEFAULT_MOUNT)


def has_volume(release: Release) -> bool:
    scheme = source(release).scheme
    return scheme in ("hf", "oci") or scheme.startswith("pvc")


def mounts(release: Release, container: dict[str, Any]) -> bool:
    """Whether a container has the model volume."""
    return bool(container.get("mountModelVolume")) and has_volume(release)


def read_only(release: Release) -> bool:
    if is_former(release):
        return True
    given = release.get("modelArtifacts", "readOnly")
    return True if given is None else bool(given)


def volume(release: Release) -> dict[str, Any]:
    """The model volume of a pod."""
    scheme, rest = source(release)
    if scheme == "hf":
        size = release.get("modelArtifacts", "size") or "0"
        return {"name": VOLUME, "emptyDir": {"sizeLimit": size}}
    if scheme == "oci":
        policy = release.get("modelArtifacts", "imagePullPolicy") or "Always"
        return {"name": VOLUME, "image": {"reference": rest, "pullPolicy": policy}}
    claim = {"claimName": rest.split("/")[0], "readOnly": read_only(release)}
    return {"name": VOLUME, "persistentVolumeClaim": claim}


def mount(release: Release) -> dict[str, Any]:
    """The mount of the model volume in a container."""
    found: dict[str, Any] = {"name": VOLUME, "mountPath": mount_path(release)}
    scheme = source(release).scheme
    if is_former(release) or scheme == "hf":
        return found
    return {**found, "readOnly": True if scheme == "oci" else read_only(release)}


def argument(release: Release) -> str | None:
    """What names the model on the engine's command line; None where nothing does."""
    scheme, rest = source(release)
    if scheme == "hf":
        return rest
    if scheme == "pvc":
        _, slash, path = rest.partition("/")
        return f"{mount_path(release)}/{path}" if slash else mount_path(release)
    if scheme == "pvc+hf":
        return "/".join(rest.split("/")[-2:])
    if scheme == "oci":
        return mount_path(release)
    if scheme in STREAMED:
        return str(release.get("modelArtifacts", "uri"))
    return None


def load_format(release: Release, given: dict[str, Any]) -> list[str]:
    """Flags without which the engine cannot read the weights where they are."""
    words = given.get("args") or []
    if SIMULATOR in str(given.get("image")):
        return []
    asked = any(str(word).split("=")[0] == "--load-format" for word in words)
    streamed = source(release).scheme in STREAMED
    return ["--load-format", "runai_streamer"] if streamed and not asked else []


def environment(release: Release, container: dict[str, Any]) -> list[dict[str, Any]]:
    """Environment that tells a container where models are kept, and its token."""
    scheme, rest = source(release)
    found: list[dict[str, Any]] = []
    if mounts(release, container) and scheme == "hf":
        found.append({"name": "HF_HOME", "value": mount_path(release)})
    if mounts(release, container) and scheme == "pvc+hf":
        cache = "/".join(rest.split("/")[1:-2])
        found.append({"name": "HF_HUB_CACHE", "value": f"{mount_path(release)}/{cache}"})
    secret = release.get("modelArtifacts", "authSecretName")
    if secret:
        key = {"name": secret, "key": "HF_TOKEN"}
        found.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": key}})
    return found


def facts(release: Release) -> ModelFacts:
    """What is known of the model."""
    scheme, rest = source(release)
    artifacts = release.get("modelArtifacts")
    size = artifacts.get("size")
    return ModelFacts(
        name=str(artifacts.get("name") or ""),
        uri=f"{scheme}://{rest}" if rest != scheme else scheme,
        scheme=scheme,
        size=None if size is None else str(size),
        mount_path=mount_path(release),
        read_only=read_only(release),
        auth_secret=artifacts.get("authSecretName") or None,
        labels=model_labels(release),
    )


def findings(release: Release) -> Iterator[Diagnostic]:
    """What is wrong with the model's place."""
    scheme, rest = source(release)
    span = release.at("modelArtifacts", "uri")
    if not rest.split("/")[0]:
        message = f"`{scheme}://{rest}` does not say which model"
        yield error("I804", message, span, "write like hf://organisation/model or pvc://claim/path")
    elif scheme == "pvc" and "/" not in rest:
        yield warning(
            "I812",
            f"`pvc://{rest}` names no path, and the chart would look for the weights below "
            f"`{mount_path(release)}/{rest}`: taken over as the claim's root",
            span,
            f"write `pvc://{rest}/path/to/model` if they are further in",
        )
    elif scheme == "pvc+hf":
        yield from _hub_cache(release, rest)
    elif scheme == "oci" and any(_generated(release)):
        yield warning(
            "I805",
            "the chart gives an engine no argument for `oci://`: taken over with the image's root, "
            f"`{mount_path(release)}`, as the model",
            span,
            "name the path in the image in `args` if the weights are further in",
        )
    elif not has_volume(release) or scheme not in ("hf", "pvc", "oci"):
        yield from _without_volume(release, scheme)


def _hub_cache(release: Release, rest: str) -> Iterator[Diagnostic]:
    span = release.at("modelArtifacts", "uri")
    if len(rest.split("/")) < 3 or not all(rest.split("/")[-2:]):
        hint = "write `pvc+hf://<claim>/<path of the hub cache>/<organisation>/<model>`"
        message = f"`pvc+hf://{rest}` does not name a claim, an organisation and a model"
        yield error("I804", message, span, hint)
    elif mount_path(release) != DEFAULT_MOUNT and any(_mounting(release)):
        yield warning(
            "I812",
            f"the chart sets HF_HUB_CACHE below {DEFAULT_MOUNT} though the volume is mounted at "
            f"{mount_path(release)}: taken over below the mount",
            release.at("modelArtifacts", "mountPath"),
            "pods are replaced once, and find the weights then",
        )


def _without_volume(release: Release, scheme: str) -> Iterator[Diagnostic]:
    span = release.at("modelArtifacts", "uri")
    uri = release.get("modelArtifacts", "uri")
    generated = any(_generated(release))
    if generated and scheme not in STREAMED:
        yield error(
            "I804",
            f"the chart cannot serve a model from `{uri}`",
            span,
            "write hf://, pvc://, pvc+hf://, oci://, s3:// or gs://, or use `modelCommand: custom`",
        )
    elif generated:
        yield warning(
            "I812",
            f"the chart has neither volume nor argument for `{scheme}://`: taken over without the "
            f"mount, with `{uri}` as the model and --load-format runai_streamer",
            span,
            "give the engine the store's credentials in `env`",
        )
    elif any(_mounting(release)):
        kept = "is kept" if has_volume(release) else "has no volume, and is dropped"
        message = f"the chart does not know `{scheme}`: the mount of the model {kept}"
        yield warning("I812", message, span, "leave `mountModelVolume` out")


def _generated(release: Release) -> Iterator[bool]:
    for container in _containers(release):
        yield (container.get("modelCommand") or "custom") in GENERATED


def _mounting(release: Release) -> Iterator[bool]:
    for container in _containers(release):
        yield bool(container.get("mountModelVolume"))


def _containers(release: Release) -> Iterator[dict[str, Any]]:
    for role in ROLES:
        if release.get(role, "create"):
            yield from release.get(role, "containers") or []
