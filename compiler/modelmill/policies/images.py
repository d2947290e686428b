"""`images`: what images may be run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelmill.policies.broken import Broken, Pods
from modelmill.registries import DOCKER_HUB, whole

LOCK = "name its digest, @sha256:…; `modelmill lock` looks up those of models"


def undigested(pods: Pods) -> Iterator[Broken]:
    for path, container in pods.containers():
        image = container.get("image")
        if isinstance(image, str) and image and "@sha256:" not in image:
            what = f"the image `{image}` is named without its digest"
            yield Broken("images.digest", what, LOCK, (*path, "image"), pods.part)


def from_elsewhere(pods: Pods, allowed: Sequence[str]) -> Iterator[Broken]:
    known = [_whole_registry(each) for each in allowed]
    for path, container in pods.containers():
        image = container.get("image")
        if not isinstance(image, str) or not image:
            continue
        name = whole(image)
        if not any(name.startswith((f"{each}/", f"{each}:", f"{each}@")) for each in known):
            what = f"the image `{image}` is of a registry that is not allowed"
            hint = f"allowed are {', '.join(allowed) or 'none'}; `registries` names mirrors"
            yield Broken("images.registries", what, hint, (*path, "image"), pods.part)


def _whole_registry(name: str) -> str:
    """`acme` is docker.io/acme, as it is at the beginning of an image's name."""
    first = name.partition("/")[0]
    is_host = "." in first or ":" in first or first == "localhost"
    return name.rstrip("/") if is_host else f"{DOCKER_HUB}/{name}".rstrip("/")
