"""KV cache beyond the accelerator: sizes are shared out, ports and seeds agree, pods restart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from modelmill.engines.flags import in_shell, less_index
from modelmill.quantities import amount, spelt, total
from support import SMALL, model, run, write_files
from test_kinds import PICKED, VLLM, objects

GPU = "accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}\n"
STORE = 'connector: mooncake, cpu: 80Gi, mooncake: {masterServerAddress: "m:1"}'

AMOUNTS = {"16Gi": 2**34, "1.5Ki": 1536, "500M": 5 * 10**8, "0.5": 1, "1500m": 2, ".5Ki": 512}


@pytest.mark.parametrize("text", AMOUNTS)
def test_a_quantity_is_a_whole_number(text: str) -> None:
    assert amount(text) == AMOUNTS[text]


def test_a_sum_is_written_as_people_do() -> None:
    assert total(["80Gi", "1Ti"]) == "1104Gi"
    assert total(["1.0Gi"]) == "1.0Gi"
    assert [spelt(0), spelt(1000), spelt(2**31)] == ["0", "1000", "2Gi"]


def containers(root: Path, spec: str) -> dict[str, Any]:
    """Engines' containers by role; of a group by role and template."""
    found = {}
    for (kind, name), body in objects(root, VLLM + GPU + spec).items():
        templates = {"": body.get("spec", {}).get("template")}
        if kind == "LeaderWorkerSet":
            group = body["spec"]["leaderWorkerTemplate"]
            templates = {" leader": group.get("leaderTemplate"), " worker": group["workerTemplate"]}
        for suffix, template in templates.items():
            for each in template["spec"]["containers"] if template else ():
                if each["name"] == "modelserver":
                    found[name.removeprefix("tiny-") + suffix] = each
    return found


def lint(root: Path, spec: str) -> str:
    """What is found of the model `tiny`."""
    texts = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    ran = run(write_files(root, texts), "lint", "--format", "text")
    return ran.stdout + ran.stderr


def flag(container: Any, name: str) -> Any:
    """A flag of the container, as the JSON it is."""
    words = [*container.get("command", []), *container["args"]]
    (found,) = (word for word in words if word.startswith(f"--{name}="))
    return json.loads(found.partition("=")[2])


def env(container: Any) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container.get("env", [])}


# Who has how much

SIZES = {
    "one rank": ("{tensor: 4}", 160),
    "ranks of a pod share it": ("{tensor: 2, data: 4}", 40),
}


@pytest.mark.parametrize("case", SIZES)
def test_the_memory_of_a_pod_is_shared_out_to_its_ranks(tmp_path: Path, case: str) -> None:
    sizes, gibibytes = SIZES[case]
    spec = f"kvCacheOffloading: {{cpu: 160Gi}}\nroles: {{decode: {{parallelism: {sizes}}}}}\n"
    config = flag(containers(tmp_path, spec)["decode"], "kv-transfer-config")
    assert config["kv_connector_extra_config"] == {"cpu_bytes_to_use": gibibytes * 2**30}


def test_a_rank_over_two_pods_has_the_memory_of_both(tmp_path: Path) -> None:
    spec = "kvCacheOffloading: {cpu: 160Gi}\n"
    spec += "roles: {decode: {parallelism: {tensor: 16}, worker: {}}}\n"
    config = flag(containers(tmp_path, spec)["decode leader"], "kv-transfer-config")
    assert config["kv_connector_extra_config"] == {"cpu_bytes_to_use": 320 * 2**30}


def test_folders_of_one_claim_are_one_volume(tmp_path: Path) -> None:
    """Pods with two volumes of a claim may wait for the second one for ever."""
    folder = "{{existingClaim: {{name: kv, path: {}}}}}".format
    spec = f"""
    kvCacheOffloading:
      cpu: 10Gi
      tiers: {{disk: {{emptyDir: {{size: 1Gi}}}}, near: {folder("a")}, far: {folder("b")}}}
    sharedMemory: 20Gi
    """
    found = objects(tmp_path, VLLM + GPU + dedent(spec))
    pod = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]
    claims = [each for each in pod["volumes"] if "persistentVolumeClaim" in each]
    (engine,) = pod["containers"]
    (name,) = (each["name"] for each in claims)
    mounts = {each.get("subPath"): each["mountPath"] for each in engine["volumeMounts"]}
    assert {each["name"] for each in engine["volumeMounts"] if "subPath" in each} == {name}
    assert (mounts["a"], mounts["b"]) == ("/mnt/kv-cache-1", "/mnt/kv-cache-2")


def test_each_client_of_a_store_gives_its_part(tmp_path: Path) -> None:
    spec = f"kvCacheOffloading: {{{STORE}}}\nroles: {{decode: {{parallelism: {{tensor: 4}}}}}}\n"
    (config,) = (
        json.loads(body["data"]["mooncake_config.json"])
        for (kind, _), body in objects(tmp_path, VLLM + GPU + spec).items()
        if kind == "ConfigMap"
    )
    assert config["global_segment_size"] == 20 * 2**30
    assert config["local_buffer_size"] == 4 * 2**30


def test_another_store_restarts_pods(tmp_path: Path) -> None:
    def volumes(root: Path, store: str) -> Any:
        found = objects(root, VLLM + GPU + f"kvCacheOffloading: {{{store}}}\n")
        pod = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]
        (name,) = (v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v)
        assert ("ConfigMap", name) in found
        return name

    first = volumes(tmp_path / "1", STORE)
    assert volumes(tmp_path / "2", STORE.replace("m:1", "other:1")) != first
    assert volumes(tmp_path / "3", STORE) == first


# What must agree


def test_a_seed_that_is_given_once_is_every_roles(tmp_path: Path) -> None:
    spec = f"""
    kvTransfer: {{connector: nixl}}
    kvCacheOffloading: {{{STORE}}}
    roles: {{decode: {{engine: {{env: {{PYTHONHASHSEED: 7}}}}}}, prefill: {{}}}}
    """
    found = containers(tmp_path, "\n".join(map(str.strip, spec.splitlines())) + "\n")
    assert {role: env(each)["PYTHONHASHSEED"] for role, each in found.items()} == {
        "decode": "7",
        "prefill": "7",
    }


def test_pods_that_share_nothing_need_no_seed(tmp_path: Path) -> None:
    found = containers(tmp_path, "kvCacheOffloading: {cpu: 10Gi}\n")
    assert "PYTHONHASHSEED" not in env(found["decode"])


def test_missed_events_are_asked_for_at_one_port_of_all_roles(tmp_path: Path) -> None:
    spec = "kvEvents: {}\nroles: {decode: {parallelism: {data: 8}}, decode-2: {type: decode}}\n"
    found = containers(tmp_path, spec)
    configs = {role: flag(each, "kv-events-config") for role, each in found.items()}
    assert {config["replay_endpoint"] for config in configs.values()} == {"tcp://*:5564"}


def test_the_topic_is_the_port_in_front_of_a_sidecar(tmp_path: Path) -> None:
    spec = "kvTransfer: {connector: nixl}\nkvEvents: {}\nroles: {decode: {}, prefill: {}}\n"
    for container in containers(tmp_path, spec).values():
        assert flag(container, "kv-events-config")["topic"] == "kv@$(POD_IP):8000@acme/tiny"
        assert "POD_IP" in env(container)


def test_pods_of_one_rank_each_are_heard_of_one_by_one(tmp_path: Path) -> None:
    spec = VLLM + GPU + PICKED + "kvEvents: {}\n"
    spec += "roles:\n  decode:\n    worker: {}\n    engine: {args: {block-size: 64}}\n"
    spec += "    parallelism: {tensor: 8, data: 2, dataLocal: 1, loadBalancing: hybrid}\n"
    said = lint(tmp_path, spec)
    assert "C557" not in said, said


def test_sglang_decodes_with_prefixes_where_it_is_told_to(tmp_path: Path) -> None:
    spec = """
    engine: {type: sglang, version: v0.5.16, image: 'a/sglang:v1'}
    kvTransfer: {connector: nixl}
    kvCacheOffloading: {cpu: 100G}
    roles:
      decode: {engine: {args: {disaggregation-decode-enable-radix-cache: true}}}
      prefill: {}
    """
    assert "C556" not in lint(tmp_path, GPU + dedent(spec))


@pytest.mark.parametrize("index", [1, 2])
def test_the_first_rank_of_every_pod_tells_at_one_port(tmp_path: Path, index: int) -> None:
    """vLLM adds the rank's number in the group to the port it is given; a shell takes away the
    number of the pod's first one."""
    spec = "kvEvents: {}\nroles:\n  decode:\n    worker: {}\n"
    spec += "    parallelism: {data: 12, dataLocal: 4, loadBalancing: hybrid}\n"
    worker = containers(tmp_path, spec)["decode worker"]
    args = ["printf", "%s\n", *worker["args"][2:]]
    ran = subprocess.run(
        [word.replace("$(POD_IP)", "10.0.0.1") for word in [*worker["command"], *args]],
        env={"LWS_WORKER_INDEX": str(index), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    (word,) = (w for w in ran.stdout.splitlines() if w.startswith("--kv-events-config="))
    config = json.loads(word.partition("=")[2])
    assert config["endpoint"] == f"tcp://*:{5556 - 4 * index}"
    assert config["topic"] == "kv@10.0.0.1:8000@acme/tiny"


def test_a_shell_reads_nothing_of_a_word_but_its_arithmetic() -> None:
    word = f'--a={{"b":"`c` $HOME $(echo d) \\\\ {less_index(10, 2)}"}}'
    command, arguments = in_shell(["printf", "%s"], [word])
    ran = subprocess.run(
        [*command, *arguments],
        env={"LWS_WORKER_INDEX": "3", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == word.replace(less_index(10, 2), "4")


def test_a_load_that_fails_is_handled_by_the_whole(tmp_path: Path) -> None:
    """vLLM reads the policy of the outermost connector alone."""
    spec = "kvTransfer: {connector: nixl, config: {kv_load_failure_policy: recompute}}\n"
    spec += "kvCacheOffloading: {cpu: 10Gi}\nroles: {decode: {}, prefill: {}}\n"
    config = flag(containers(tmp_path, spec)["decode"], "kv-transfer-config")
    assert config["kv_load_failure_policy"] == "recompute"
    parts = config["kv_connector_extra_config"]["connectors"]
    assert [part["kv_connector"] for part in parts] == ["NixlConnector", "OffloadingConnector"]
    assert not any("kv_load_failure_policy" in part for part in parts)
