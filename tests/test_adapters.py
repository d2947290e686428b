"""LoRA adapters: what engines are told, and where they are in a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from test_kinds import VLLM, by_name, engine, objects, pod

SHA = "6f6073b423013f6a7d4d9f39144961bfbfbc386b"
SGLANG = "engine: {type: sglang, version: v0.5.16, image: 'sglang:v0.5.16'}\n"


def model(adapters: str, more: str = "", uri: str = "pvc://models/tiny") -> str:
    return f"model: {{name: tiny, uri: {uri}, adapters: {adapters}{more}}}\n"


RANKS = {
    "rounded-up": ("{a: {uri: pvc://x/a, rank: 20}, b: {uri: pvc://x/b, rank: 4}}", 32),
    "as-small-as-they-are": ("{a: {uri: pvc://x/a, rank: 8}}", 8),
    "one-unknown": ("{a: {uri: pvc://x/a, rank: 8}, b: {uri: pvc://x/b}}", 16),
    "none-known": ("{a: {uri: pvc://x/a}}", None),
}


@pytest.mark.parametrize(("adapters", "rank"), RANKS.values(), ids=RANKS)
def test_vllm_is_made_for_the_largest_rank(tmp_path: Path, adapters: str, rank: int | None) -> None:
    args = engine(tmp_path, VLLM + model(adapters))["args"]
    told = [each for each in args if each.startswith("--max-lora-rank")]
    assert told == ([f"--max-lora-rank={rank}"] if rank else [])


def test_a_rank_that_is_written_wins(tmp_path: Path) -> None:
    spec = VLLM.replace("}", ", args: {max-lora-rank: 64}}") + model(RANKS["rounded-up"][0])
    assert "--max-lora-rank=64" in engine(tmp_path, spec)["args"]


def test_an_adapter_beside_the_weights_is_on_their_volume(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://models/lora/a}}")
    assert [each["name"] for each in pod(tmp_path, spec)["volumes"]] == ["model-storage"]
    assert "/model-cache/lora/a" in str(engine(tmp_path, spec)["args"])


def test_weights_that_are_not_mounted_lend_no_volume(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://models/lora/a}}", ", mounted: false")
    assert [each["name"] for each in pod(tmp_path, spec)["volumes"]] == ["adapters-models"]
    assert "/adapters/adapters-models/lora/a" in str(engine(tmp_path, spec)["args"])


def test_a_volume_is_mounted_once(tmp_path: Path) -> None:
    adapters = "{a: {uri: pvc://x/a}, b: {uri: pvc://x/b}, c: {uri: pvc://x.y/c}}"
    found = pod(tmp_path, VLLM + model(adapters))["volumes"]
    claims = [each["persistentVolumeClaim"]["claimName"] for each in found]
    assert sorted(claims) == ["models", "x", "x.y"]


def test_adapters_of_weights_that_are_streamed(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://x/a}}", uri="s3://models/tiny")
    assert [each["name"] for each in pod(tmp_path, spec)["volumes"]] == ["adapters-x"]


def test_an_adapter_of_the_hub_is_fetched_at_its_revision(tmp_path: Path) -> None:
    spec = VLLM + model(f"{{a: {{uri: hf://acme/a, revision: {SHA}}}}}")
    (fetching,) = pod(tmp_path, spec)["initContainers"]
    (line,) = fetching["command"][2].splitlines()
    assert line.startswith(f"hf download acme/a --revision {SHA} --local-dir /adapters/")
    assert line.rpartition(" ")[2] in str(engine(tmp_path, spec)["args"])


def test_a_bare_pod_gets_no_init_container(tmp_path: Path) -> None:
    spec = (
        VLLM
        + "defaults: none\nrouting: {service: {create: false}}\n"
        + model("{a: {uri: hf://acme/a}}")
    )
    assert "initContainers" not in pod(tmp_path, spec)
    assert '"path":"acme/a"' in str(engine(tmp_path, spec)["args"])


def test_a_simulator_serves_adapters_and_mounts_nothing(tmp_path: Path) -> None:
    spec = model("{a: {uri: pvc://x/a}, b: {uri: hf://acme/b}}")
    found = pod(tmp_path, spec)
    assert not {"volumes", "initContainers"} & found.keys()
    assert '"name":"b"' in str(engine(tmp_path, spec)["args"])


def test_workers_of_a_group_have_the_adapters(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://x/a}}")
    spec += "roles: {decode: {parallelism: {tensor: 2}, worker: {size: 2}}}\n"
    spec += "accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 1}\n"
    group = objects(tmp_path, spec)["LeaderWorkerSet", "tiny-decode"]["spec"]
    for part in ("leaderTemplate", "workerTemplate"):
        volumes = by_name(group["leaderWorkerTemplate"][part]["spec"]["volumes"])
        assert "adapters-x" in volumes


ROUTED = "routing: {gateway: {name: g}, route: {matchModel: model-name}}\n"


def asked_for(root: Path, spec: str) -> list[Any]:
    rules = objects(root, spec)["HTTPRoute", "tiny"]["spec"]["rules"]
    return [match["headers"][0]["value"] for rule in rules for match in rule["matches"]]


def test_names_are_those_that_requests_say(tmp_path: Path) -> None:
    adapters = model("{a: {uri: pvc://x/a}}") + ROUTED
    assert asked_for(tmp_path / "vllm", VLLM + adapters) == ["tiny", "a"]
    assert asked_for(tmp_path / "sglang", SGLANG + adapters) == ["tiny", "tiny:a"]


def test_a_rule_has_at_most_eight_matches(tmp_path: Path) -> None:
    many = ", ".join(f"a{number}: {{uri: pvc://x/{number}}}" for number in range(20))
    rules = objects(tmp_path, VLLM + model(f"{{{many}}}") + ROUTED)["HTTPRoute", "tiny"]["spec"]
    assert [len(rule["matches"]) for rule in rules["rules"]] == [8, 8, 5]
