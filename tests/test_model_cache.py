"""Model caches: what fills them runs once, goes on where it stopped, and engines wait for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import SMALL, model, overlay, run, write_files
from test_kinds import VLLM, objects

SHA = "6f6073b423013f6a7d4d9f39144961bfbfbc386b"
CLAIM = "{claim: {size: 1Gi}}"
NODES = "accelerator: {name: h100, resource: nvidia.com/gpu, nodeLabels: {product: [h100]}}\n"


def cached(cache: str = CLAIM, *, revision: str = SHA, more: str = "") -> str:
    source = f"name: tiny, uri: hf://acme/tiny, revision: {revision}, cache: {cache}{more}"
    return f"{VLLM}model: {{{source}}}\n"


def job(root: Path, spec: str) -> Any:
    (found,) = (body for (kind, _), body in objects(root, spec).items() if kind == "Job")
    return found


def test_what_is_unchanged_is_the_same_job(tmp_path: Path) -> None:
    first = job(tmp_path / "1", cached())
    other = cached() + "resources: {requests: {cpu: 4}}\nreplicas: 3\n"
    assert job(tmp_path / "2", other) == first


CHANGED = {
    "revision": cached(revision="b" * 40),
    "adapter": cached(more=f", adapters: {{a: {{uri: hf://acme/a, revision: {SHA}}}}}"),
    "image": cached("{claim: {size: 1Gi}, download: {image: 'hf:v2'}}"),
    "resources": cached("{claim: {size: 1Gi}, download: {resources: {requests: {cpu: 9}}}}"),
}


@pytest.mark.parametrize("spec", CHANGED.values(), ids=CHANGED)
def test_a_change_is_another_job(tmp_path: Path, spec: str) -> None:
    """A Job's pods are immutable: under the same name the API server would refuse them."""
    name = job(tmp_path / "1", cached())["metadata"]["name"]
    assert job(tmp_path / "2", spec)["metadata"]["name"] != name


def test_another_registry_is_another_job(tmp_path: Path) -> None:
    mirror = overlay("apart", more="registries: {docker.io: mirror.example.com}\n")
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", cached() + "roles: {decode: {}}\n", "[sim]"),
        "overlays/apart/environment.yaml": mirror,
    }
    root = write_files(tmp_path, texts)
    names = {
        line
        for environment in ("prod", "apart")
        for line in run(root, "render", "tiny", "-e", environment).stdout.splitlines()
        if line.startswith("  name: tiny-download-")
    }
    assert len(names) == 2


def test_a_simulator_needs_no_cache(tmp_path: Path) -> None:
    found = objects(tmp_path, cached().removeprefix(VLLM))
    assert not {"Job", "PersistentVolumeClaim"} & {kind for kind, _ in found}


def test_engines_ask_the_hub_for_nothing(tmp_path: Path) -> None:
    spec = cached(more=", auth: {secretName: hf-token}")
    deployment = objects(tmp_path, spec)["Deployment", "tiny-decode"]
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [
        {"name": "HF_HUB_CACHE", "value": "/model-cache/hub"},
        {"name": "HF_HUB_OFFLINE", "value": "1"},
    ]


def test_the_claim_outlives_the_model(tmp_path: Path) -> None:
    claim = objects(tmp_path, cached())["PersistentVolumeClaim", "tiny-model-cache"]
    annotations = claim["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"
    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"


def test_a_claim_that_exists_is_not_generated(tmp_path: Path) -> None:
    found = objects(tmp_path, cached("{existingClaim: models}"))
    assert "PersistentVolumeClaim" not in {kind for kind, _ in found}
    (filling,) = (body for (kind, _), body in found.items() if kind == "Job")
    volumes = filling["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["persistentVolumeClaim"] == {"claimName": "models"}


def test_the_cache_goes_to_the_nodes_of_every_role(tmp_path: Path) -> None:
    roles = "roles: {decode: {}, big: {type: decode, pod: {nodeSelector: {pool: big}}}}\n"
    found = objects(tmp_path, cached("{node: {}}") + NODES + roles)
    spec = found["DaemonSet", "tiny-node-weights"]["spec"]["template"]["spec"]
    (rule,) = spec["affinity"]["nodeAffinity"].values()
    keys = [
        [each["key"] for each in term["matchExpressions"]] for term in rule["nodeSelectorTerms"]
    ]
    assert keys == [["product"], ["product", "pool"]]


HF = """#!/bin/sh
echo "$@" >> "$LOG"
[ ! -e "$BROKEN" ]
"""


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Runs a container's command with the cache in a folder, and an `hf` that only writes down what
    it is asked for; tells the exit status and what that was."""
    hf, log = tmp_path / "bin" / "hf", tmp_path / "log"
    hf.parent.mkdir()
    hf.write_text(HF)
    hf.chmod(0o755)
    environ = {"PATH": f"{hf.parent}:{os.environ['PATH']}", "LOG": str(log)}

    def call(container: Any, *, broken: bool = False) -> tuple[int, list[str]]:
        log.write_text("")
        words = [each.replace("/model-cache", str(tmp_path / "cache")) for each in container]
        switch = {"BROKEN": str(hf if broken else tmp_path / "none")}
        done = subprocess.run(words, env=environ | switch, check=False, timeout=60)
        return done.returncode, log.read_text().splitlines()

    return call


def containers_of(root: Path) -> tuple[list[str], list[str]]:
    """What fills the cache, and what waits for it."""
    more = f", adapters: {{a: {{uri: hf://acme/a, revision: {SHA}}}}}"
    found = objects(root, cached("{existingClaim: m, download: {exclude: ['a b/*']}}", more=more))
    (filling,) = (body for (kind, _), body in found.items() if kind == "Job")
    engine = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]
    (waiting,) = engine["initContainers"]
    (fetching,) = filling["spec"]["template"]["spec"]["containers"]
    return fetching["command"], waiting["command"]


def test_a_download_that_is_done_is_not_done_again(tmp_path: Path, shell: Any) -> None:
    fetching, waiting = containers_of(tmp_path / "repository")
    status, asked = shell(fetching)
    assert status == 0
    assert asked[0] == f"download acme/tiny --revision {SHA} --exclude a b/*"
    assert asked[1].startswith(f"download acme/a --revision {SHA} --local-dir ")
    assert shell(waiting) == (0, [])
    assert shell(fetching) == (0, [])


def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, shell: Any) -> None:
    fetching, _ = containers_of(tmp_path / "repository")
    status, asked = shell(fetching, broken=True)
    assert (status != 0, len(asked)) == (True, 1)
    status, asked = shell(fetching)
    assert (status, len(asked)) == (0, 2)
