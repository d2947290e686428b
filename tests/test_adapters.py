"""LoRA adapters: what engines are told, and where they are in a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

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


# Loaded while engines run

SIDECAR = ", adapterSync: {by: sidecar, image: 'syncer:v1.4.0'}"
RESOLVER = ", adapterSync: {by: resolver}"
CACHED = f", revision: {SHA}, size: 1Gi, cache: {{claim: {{}}}}"
ONE_MORE = {
    "of-the-hub": ("hf://acme/tiny", "hf://acme/{name}", SIDECAR),
    "on-a-claim": ("hf://acme/tiny", "pvc://adapters/{name}", SIDECAR),
    "beside-the-weights": ("pvc://models/tiny", "pvc://models/lora/{name}", SIDECAR),
    "in-a-folder": ("hf://acme/tiny", "pvc://adapters/lora/{name}", RESOLVER),
}


@pytest.mark.parametrize(("uri", "adapter", "sync"), ONE_MORE.values(), ids=ONE_MORE)
def test_one_more_adapter_is_no_other_pod(
    tmp_path: Path, uri: str, adapter: str, sync: str
) -> None:
    def of(*names: str) -> str:
        each = (f"{name}: {{uri: '{adapter.format(name=name)}', rank: 8}}" for name in names)
        return VLLM + model("{" + ", ".join(each) + "}", sync, uri)

    one, two = objects(tmp_path / "1", of("a")), objects(tmp_path / "2", of("a", "b"))
    assert one["Deployment", "tiny-decode"] == two["Deployment", "tiny-decode"]
    args = by_name(pod(tmp_path / "3", of("a"))["containers"])["modelserver"]["args"]
    assert "--enable-lora" in args
    assert not any(word.startswith("--lora-modules") for word in args)


def test_one_more_adapter_of_a_cache_is_another_job(tmp_path: Path) -> None:
    def of(*names: str) -> dict[tuple[str, str], Any]:
        each = ", ".join(f"{name}: {{uri: hf://acme/{name}, revision: {SHA}}}" for name in names)
        spec = VLLM + model(f"{{{each}}}", CACHED + SIDECAR, "hf://acme/tiny")
        return objects(tmp_path / "-".join(names), spec)

    one, two = of("a"), of("a", "b")
    assert one["Deployment", "tiny-decode"] == two["Deployment", "tiny-decode"]
    jobs = [next(name for kind, name in found if kind == "Job") for found in (one, two)]
    assert jobs[0] != jobs[1]
    (wanted,) = two["ConfigMap", "tiny-adapters"]["data"].values()
    sources = [each["source"] for each in wanted_models(wanted)]
    assert all(source.startswith("/model-cache/adapters/") for source in sources)


def wanted_models(text: str) -> Any:
    return yaml.safe_load(text)["vLLMLoRAConfig"]["ensureExist"]["models"]


def test_a_sidecar_is_told_of_the_engine_behind_the_proxy(tmp_path: Path) -> None:
    spec = VLLM + "kvTransfer: {connector: nixl}\nroles: {decode: {}, prefill: {}}\n"
    spec += model("{a: {uri: pvc://x/a}}", SIDECAR)
    data = objects(tmp_path, spec)["ConfigMap", "tiny-adapters"]["data"]
    ports = {name: yaml.safe_load(text)["vLLMLoRAConfig"]["port"] for name, text in data.items()}
    assert ports == {"8000.yaml": 8000, "8200.yaml": 8200}


def test_a_mounted_config_map_is_the_whole_folder(tmp_path: Path) -> None:
    """Of a file that is mounted by subPath a running pod sees no change."""
    (sidecar,) = pod(tmp_path, VLLM + model("{a: {uri: pvc://x/a}}", SIDECAR))["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert [each.get("subPath") for each in sidecar["volumeMounts"]] == [None]


def test_workers_that_serve_nothing_have_no_sidecar(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://x/a}}", SIDECAR)
    spec += "roles: {decode: {parallelism: {data: 4, dataLocal: 2}, worker: {}}}\n"
    spec += "accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}\n"
    group = objects(tmp_path, spec)["LeaderWorkerSet", "tiny-decode"]["spec"]
    templates = group["leaderWorkerTemplate"]
    leader, worker = (templates[name]["spec"] for name in ("leaderTemplate", "workerTemplate"))
    assert [each["name"] for each in leader["initContainers"]] == ["adapter-sync"]
    assert "initContainers" not in worker
    # vLLM refuses adapters at runtime with a server for each rank.
    assert "--api-server-count=1" in leader["containers"][0]["args"]
    assert not any("api-server-count" in word for word in worker["containers"][0]["args"])


def test_a_simulator_is_told_at_its_start(tmp_path: Path) -> None:
    found = objects(tmp_path, model("{a: {uri: pvc://x/a}}", SIDECAR))
    assert ("ConfigMap", "tiny-adapters") not in found
    assert '"name":"a"' in str(engine(tmp_path, model("{a: {uri: pvc://x/a}}", SIDECAR))["args"])


def test_adapters_of_the_hub_come_with_its_token(tmp_path: Path) -> None:
    more = ", auth: {secretName: hf}" + SIDECAR
    env = by_name(engine(tmp_path, VLLM + model("{a: {uri: hf://acme/a}}", more))["env"])
    assert env["HF_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "HF_TOKEN"}


def test_both_sides_of_a_pair_load_the_adapters(tmp_path: Path) -> None:
    spec = VLLM + model("{a: {uri: pvc://x/a}}")
    spec += "kvTransfer: {connector: nixl}\nroles: {decode: {}, prefill: {}}\n"
    found = objects(tmp_path, spec)
    for role in ("decode", "prefill"):
        template = found["Deployment", f"tiny-{role}"]["spec"]["template"]
        args = by_name(template["spec"]["containers"])["modelserver"]["args"]
        assert "--enable-lora" in args


def test_sglang_pins_what_is_to_stay(tmp_path: Path) -> None:
    spec = SGLANG + model("{a: {uri: pvc://x/a, pinned: true}, b: {uri: pvc://x/b}}")
    told = [word for word in engine(tmp_path, spec)["args"] if word.startswith('{"lora_name"')]
    assert [('"pinned":true' in word) for word in told] == [True, False]


@pytest.mark.parametrize("more", ["", f", revision: {SHA}, cache: {{claim: {{size: 1Gi}}}}"])
def test_the_order_of_adapters_restarts_nothing(tmp_path: Path, more: str) -> None:
    each = [f"{name}: {{uri: hf://acme/{name}, revision: {SHA}}}" for name in ("b", "a")]
    found = [
        objects(tmp_path / str(n), VLLM + model(f"{{{', '.join(order)}}}", more, "hf://acme/tiny"))
        for n, order in enumerate((each, each[::-1]))
    ]
    assert found[0] == found[1]
