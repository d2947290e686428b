"""Releases of the llm-d ModelService chart imported: what runs on, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from support import Ran, built, run

ENGINE = """\
- name: vllm
  image: ghcr.io/llm-d/llm-d-cuda:v0.5.1
  modelCommand: vllmServe
  mountModelVolume: true
"""
SCRIPT = """\
- name: vllm
  image: ghcr.io/llm-d/llm-d-cuda:v0.5.1
  modelCommand: custom
  command: [/bin/bash, -c, "exec vllm serve acme/m --port 8200"]
"""


def values(decode: str, containers: str = ENGINE, more: str = "") -> str:
    """A values file without prefill: decode's own keys, its containers, and keys of the root."""
    head = "modelArtifacts: {name: acme/m, uri: 'hf://acme/m', labels: {llm-d.ai/model: m}}\n"
    role = indent(dedent(decode) + "containers:\n" + containers, "  ")
    return f"{head}prefill: {{create: false}}\n{dedent(more)}decode:\n{role}"


def imported(place: Path, text: str) -> Ran:
    (place / "values.yaml").write_text(text)
    return run(place, "import", "helm-values", "values.yaml", "--release", "ms")


def objects(place: Path, text: str) -> dict[str, Any]:
    """What the imported release compiles to and kustomize builds, by kind."""
    ran = imported(place, text)
    assert ran.status == 0, ran.stderr
    compiled = run(place, "compile")
    assert compiled.status == 0, compiled.stderr
    found = built(place / "generated" / "ms-llm-d-modelservice" / "base")
    return {each["kind"]: each for each in found}


def engine_of(template: Any) -> Any:
    return template["spec"]["containers"][0]


def flags(engine: Any) -> set[str]:
    """Flags of a command line, each with its value."""
    found: list[str] = []
    for word in engine["args"]:
        if word.startswith("-") or not found:
            found.append(word)
        else:
            found[-1] = f"{found[-1]}={word}"
    return set(found)


def test_script_that_is_all_in_the_command_gets_no_arguments(tmp_path: Path) -> None:
    made = objects(tmp_path, values("replicas: 1\n", SCRIPT))
    engine = engine_of(made["Deployment"]["spec"]["template"])
    assert engine["command"] == ["/bin/bash", "-c", "exec vllm serve acme/m --port 8200"]
    assert not engine.get("args")


def test_group_of_scripts_stays_one_template(tmp_path: Path) -> None:
    sizes = "parallelism: {tensor: 8, workers: 2}\n"
    made = objects(tmp_path, values(sizes, SCRIPT, "multinode: true\n"))
    group = made["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    assert "leaderTemplate" not in group
    assert not engine_of(group["workerTemplate"]).get("args")


RANKED = "parallelism: {data: 16, dataLocal: 8, workers: 2}\n"
# Flags that a field of the Model sets too, that are short, or whose value is of another type.
WORDS = [
    ["--enable-expert-parallel"],
    ["--kv-transfer-config", '{"kv_connector":"NixlConnector"}'],
    ["--enforce-eager", "-O3"],
    ["--compilation-config", "3"],
    ["--tensor-parallel-size", "2"],
]


@pytest.mark.parametrize("words", WORDS, ids=[words[0] for words in WORDS])
def test_group_that_gets_ranks_keeps_every_flag(tmp_path: Path, words: list[str]) -> None:
    args = "  args: [" + ", ".join(f"'{word}'" for word in words) + "]\n"
    made = objects(tmp_path, values(RANKED, ENGINE + args, "multinode: true\n"))
    group = made["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    leader, worker = engine_of(group["leaderTemplate"]), engine_of(group["workerTemplate"])
    given = flags({"args": words})
    assert given <= flags(leader)
    assert "--data-parallel-start-rank=0" in flags(leader)
    assert all(word in " ".join(worker["args"]) for word in words)
    assert "--headless" in " ".join(worker["args"])


def test_worker_of_an_image_that_starts_itself_names_the_model_first(tmp_path: Path) -> None:
    own = ENGINE.replace("vllmServe", "imageDefault") + "  args: [--enable-expert-parallel]\n"
    made = objects(tmp_path, values(RANKED, own, "multinode: true\n"))
    group = made["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    (line,) = engine_of(group["workerTemplate"])["args"]
    assert line.startswith("exec vllm serve acme/m ")
    assert "--model " not in line


def test_pods_of_a_deployment_need_not_divide_into_a_group(tmp_path: Path) -> None:
    text = values("parallelism: {dataLocal: 8, workers: null}\n")
    engine = engine_of(objects(tmp_path, text)["Deployment"]["spec"]["template"])
    assert engine["resources"]["limits"]["nvidia.com/gpu"] == "8"


def test_group_smaller_than_a_pod_has_one_pod(tmp_path: Path) -> None:
    text = values("parallelism: {data: 1, dataLocal: 2}\n", more="multinode: true\n")
    group = objects(tmp_path, text)["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    assert group["size"] == 1


def test_probe_written_twice_has_one_handler(tmp_path: Path) -> None:
    twice = (
        "  startupProbe: {tcpSocket: {port: 8200}}\n"
        "  extraConfig: {startupProbe: {httpGet: {path: /health, port: 8200}, periodSeconds: 5}}\n"
    )
    made = objects(tmp_path, values("replicas: 1\n", ENGINE + twice))
    probe = engine_of(made["Deployment"]["spec"]["template"])["startupProbe"]
    assert probe["tcpSocket"] == {"port": 8200}
    assert "httpGet" not in probe


def test_monitor_of_dual_pods_selects_the_pods_that_serve(tmp_path: Path) -> None:
    monitored = """\
        monitoring: {podmonitor: {enabled: true, portName: http}}
        """
    ports = "  ports: [{containerPort: 8200, name: http}]\n"
    text = values(monitored, ENGINE + ports, "requester: {enable: true}\n")
    monitor = objects(tmp_path, text)["PodMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"]["llm-d.ai/model"] == "m"
    assert monitor["spec"]["selector"]["matchLabels"]["llm-d.ai/role"] == "decode"


def test_requester_pulls_with_the_secrets_of_the_pod_that_serves(tmp_path: Path) -> None:
    text = values("imagePullSecrets: [{name: reg}]\n", more="requester: {enable: true}\n")
    pod = objects(tmp_path, text)["ReplicaSet"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "reg"}]


MISFORMED = {
    "volumes: [{emptyDir: {}}]": "`decode.volumes[0]` must be a mapping with `name`",
    "strategy: {rollingUpdate: none}": "`decode.strategy.rollingUpdate` must be a mapping",
    "tolerations: [all]": "`decode.tolerations[0]` must be a mapping",
    "nodeSelector: {gpu: [h100]}": "`decode.nodeSelector.gpu` must be one value",
    "initContainers: [{name: a, image: b, command: run}]": (
        "`decode.initContainers[0].command` must be a list of words"
    ),
    "extraConfig: {topologySpreadConstraints: [{maxSkew: 1}]}": (
        "`decode.extraConfig.topologySpreadConstraints[0]` must be a mapping with `topologyKey`"
    ),
}


@pytest.mark.parametrize("written", MISFORMED)
def test_field_of_another_form_is_named_with_its_line(tmp_path: Path, written: str) -> None:
    ran = imported(tmp_path, values(written + "\n"))
    assert ran.status == 1
    assert "values.yaml:4:" in ran.stderr
    assert f"error[I804]: {MISFORMED[written]}" in ran.stderr


def test_labels_of_a_further_object_must_be_a_mapping(tmp_path: Path) -> None:
    more = """\
        extraObjects:
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: a, labels: '{{ include "llm-d-modelservice.labels" . }}'}
        """
    ran = imported(tmp_path, values("replicas: 1\n", more=more))
    assert ran.status == 1
    assert "values.yaml:6:" in ran.stderr
    assert "`metadata.labels` of an object of `extraObjects` must be a mapping" in ran.stderr


def test_match_that_no_request_has_is_refused(tmp_path: Path) -> None:
    more = """\
        accelerator:
          dra: true
          resourceClaimTemplates: {nvidia: {match: every}}
        """
    ran = imported(tmp_path, values("replicas: 1\n", more=more))
    assert ran.status == 1
    assert "write `exactly` or `firstAvailable`" in ran.stderr


def test_importing_twice_writes_the_same(tmp_path: Path) -> None:
    text = values("tolerations: [{key: a, operator: Exists}, {key: a, value: b}]\n")
    models = []
    for place in (tmp_path / "first", tmp_path / "second"):
        place.mkdir()
        assert imported(place, text).status == 0
        models.append((place / "models" / "ms-llm-d-modelservice.yaml").read_text())
    assert models[0] == models[1]
