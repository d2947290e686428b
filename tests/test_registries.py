"""Registries that stand for others: names read as container runtimes read them, nothing missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.registries import image
from support import HEAD, SMALL, model, overlay, run, write_files

MIRRORS = {
    "docker.io": "mirror.test/hub",
    "docker.io/library": "mirror.test/official",
    "ghcr.io/llm-d": "mirror.test/llm-d",
    "ghcr.io/llm-d/one": "mirror.test/first",
    "localhost:5000": "mirror.test/local",
    "localhost": "mirror.test/port-80",
}
DIGEST = "@sha256:" + "0" * 64
IMAGES = {
    "vllm/vllm-openai:v1": "mirror.test/hub/vllm/vllm-openai:v1",
    "docker.io/vllm/vllm-openai:v1": "mirror.test/hub/vllm/vllm-openai:v1",
    "index.docker.io/a/b:1": "mirror.test/hub/a/b:1",
    "busybox:1.37": "mirror.test/official/busybox:1.37",
    "busybox": "mirror.test/official/busybox",
    "docker.io/busybox:1": "mirror.test/official/busybox:1",
    "library/busybox:1": "mirror.test/official/busybox:1",
    f"a/b{DIGEST}": f"mirror.test/hub/a/b{DIGEST}",
    f"a/b:v1{DIGEST}": f"mirror.test/hub/a/b:v1{DIGEST}",
    "ghcr.io/llm-d/two:v1": "mirror.test/llm-d/two:v1",
    "ghcr.io/llm-d/one:v1": "mirror.test/first:v1",
    "ghcr.io/llm-d/one-more:v1": "mirror.test/llm-d/one-more:v1",
    "ghcr.io/llm-dx/two:v1": "ghcr.io/llm-dx/two:v1",
    "localhost:5000/a:1": "mirror.test/local/a:1",
    "localhost/a:1": "mirror.test/port-80/a:1",
    "quay.io:8443/a/b:1": "quay.io:8443/a/b:1",
}


@pytest.mark.parametrize(("name", "want"), IMAGES.items(), ids=IMAGES)
def test_an_image(name: str, want: str) -> None:
    assert image(name, MIRRORS) == want


def test_a_name_that_nothing_replaces_stays_as_it_is_written() -> None:
    assert image("vllm/vllm-openai:v1", {"ghcr.io": "mirror.test"}) == "vllm/vllm-openai:v1"


SPEC = """
kvTransfer: {connector: nixl}
roles: {decode: {}, prefill: {}}
routing:
  scheduler:
    config:
      name: own
      plugins: {p: {type: max-score-picker}}
      schedulingProfiles: {default: {plugins: {p: {}}}}
"""
PROJECT_WIDE = (
    HEAD + "Project\nversions: {set: llm-d-v0.9, registries: {ghcr.io: project.test/ghcr}}\n"
)


def images(root: Path, environment: str | None) -> set[str]:
    where = ["-e", environment] if environment else []
    ran = run(root, "render", "tiny", *where)
    assert ran.status == 0, ran.stderr
    found: set[str] = set()
    for body in yaml.load_all(ran.stdout, yaml.CSafeLoader):
        found.update(_images(body))
    return found


def _images(node: Any) -> set[str]:
    if isinstance(node, list):
        return {image for each in node for image in _images(each)}
    if not isinstance(node, dict):
        return set()
    own = {node["image"]} if isinstance(node.get("image"), str) else set()
    return own | {image for each in node.values() for image in _images(each)}


def test_only_the_environment_that_says_so_has_other_images(tmp_path: Path) -> None:
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", SPEC, "[sim]"),
        "overlays/mirrored/environment.yaml": overlay(
            "mirrored", more="registries: {ghcr.io: mirror.test/ghcr}\n"
        ),
    }
    root = write_files(tmp_path, texts)
    plain, mirrored = images(root, "prod"), images(root, "mirrored")
    assert plain == images(root, None)
    assert all(each.startswith("ghcr.io/") for each in plain)
    assert mirrored == {each.replace("ghcr.io/", "mirror.test/ghcr/") for each in plain}


def test_an_environments_registries_stand_over_the_projects(tmp_path: Path) -> None:
    texts = {
        **SMALL,
        "modelmill.yaml": PROJECT_WIDE,
        "overlays/own/environment.yaml": overlay("own", more="registries: {ghcr.io: own.test}\n"),
    }
    root = write_files(tmp_path, texts)
    assert images(root, None) == images(root, "prod") == {"project.test/ghcr/acme/sim:v0.10.2"}
    assert images(root, "own") == {"own.test/acme/sim:v0.10.2"}
