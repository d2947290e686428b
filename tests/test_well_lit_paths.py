"""llm-d's well-lit paths: each a Model of a dozen lines over this repository's own presets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support import HEAD, PROJECT, ROOT, overlay, run, write_files

GUIDE = ROOT / "docs" / "well-lit-paths.md"


class Guide(NamedTuple):
    """What a path extends, its roles, plugins its picker must have, and flags of its engine."""

    extends: str
    roles: str
    plugins: tuple[str, ...]
    flags: tuple[str, ...] = ()


RANKS = "parallelism: {data: 16, dataLocal: 8}"
PATHS = {
    "optimized-baseline": Guide(
        "vllm, nvidia-h100, single-host",
        "server: {replicas: 8, parallelism: {tensor: 2}}",
        ("approx-prefix-cache-producer", "prefix-cache-affinity-filter", "token-load-scorer"),
        ("--tensor-parallel-size=2",),
    ),
    "pd-disaggregation": Guide(
        "vllm, nvidia-h200, prefill-decode",
        "prefill: {replicas: 8}, decode: {replicas: 2, parallelism: {tensor: 4}}",
        ("disagg-profile-handler", "prefill-filter", "decode-filter"),
        ('--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}',),
    ),
    "wide-ep-lws": Guide(
        "vllm, nvidia-h200, wide-expert-parallel",
        f"prefill: {{{RANKS}}}, decode: {{{RANKS}}}",
        ("disagg-profile-handler", "prefill-filter", "decode-filter"),
        ("--enable-expert-parallel", "--data-parallel-multi-port-external-lb"),
    ),
    "precise-prefix-cache-routing": Guide(
        "vllm, nvidia-h100, precise-prefix-cache",
        "server: {replicas: 8, parallelism: {tensor: 2}}",
        ("token-producer", "precise-prefix-cache-producer", "endpoint-notification-source"),
        ("--block-size=64", "--kv-events-config="),
    ),
    "tiered-prefix-cache": Guide(
        "vllm, nvidia-h100, tiered-prefix-cache",
        "server: {replicas: 4, parallelism: {tensor: 2}}",
        ("gpu-prefix-cache-scorer", "cpu-prefix-cache-scorer", "no-hit-lru-scorer"),
        ('--kv-transfer-config={"kv_connector":"OffloadingConnector"',),
    ),
    "predicted-latency": Guide(
        "vllm, nvidia-h100, single-host, predicted-latency",
        "server: {replicas: 8, parallelism: {tensor: 2}}",
        ("predicted-latency-producer", "latency-scorer"),
    ),
    "simulated-accelerators": Guide(
        "inference-sim, cpu, single-host",
        "server: {replicas: 3}",
        ("approx-prefix-cache-producer",),
    ),
}


def model_of(path: Guide) -> str:
    return (
        f"{HEAD}Model\n"
        "metadata: {name: llama}\n"
        f"extends: [{path.extends}]\n"
        "spec:\n"
        "  model:\n"
        "    name: org/llama\n"
        "    uri: hf://org/llama\n"
        "    size: 80Gi\n"
        f"  roles: {{{path.roles}}}\n"
    )


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_a_model_of_a_dozen_lines(tmp_path: Path, name: str) -> None:
    path = PATHS[name]
    text = model_of(path)
    assert text.count("\n") <= 12
    place = overlay("prod", more="podSecurity: privileged\n")
    root = write_files(
        tmp_path,
        {
            "modelmill.yaml": PROJECT,
            "models/llama.yaml": text,
            "overlays/prod/environment.yaml": place,
        },
    )
    shutil.copytree(ROOT / "presets", root / "presets", dirs_exist_ok=True)
    linted = run(root, "lint")
    assert (linted.status, "error[" in linted.stderr) == (0, False), linted.stderr
    objects = list(yaml.safe_load_all(run(root, "render", "llama", "-e", "prod").stdout))
    words = [word for each in objects for word in engine_words(each)]
    for flag in path.flags:
        assert any(word.startswith(flag) for word in words), flag
    (config,) = (o for o in objects if o["kind"] == "ConfigMap" and "config.yaml" in o["data"])
    plugins = yaml.safe_load(config["data"]["config.yaml"])["plugins"]
    assert {each.get("name", each["type"]) for each in plugins} >= set(path.plugins)


def engine_words(body: Any) -> list[str]:
    spec = body.get("spec", {})
    if body["kind"] == "LeaderWorkerSet":
        templates = [spec["leaderWorkerTemplate"]["leaderTemplate"]]
    else:
        templates = [spec["template"]] if body["kind"] == "Deployment" else []
    return [
        str(word)
        for template in templates
        for container in template["spec"]["containers"]
        for word in (*container.get("command", ()), *container.get("args", ()))
    ]


@pytest.mark.parametrize("name", PATHS)
def test_the_guide_says_what_a_path_extends(name: str) -> None:
    (line,) = (each for each in GUIDE.read_text().splitlines() if each.startswith(f"| {name} |"))
    assert f"`{PATHS[name].extends}`" in line
