"""Nine topologies: what a role serves, by how a replica of it is spread. Each is a Model of a dozen
lines over this repository's own presets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support import HEAD, PROJECT, ROOT, overlay, run, write_files


class Topology(NamedTuple):
    """A Model's presets, engine and roles, the role that is looked at, and what becomes of it: the
    kind, the pods and the flags of its leader that say so."""

    extends: str
    roles: str
    role: str
    kind: str
    pods: int
    flags: tuple[str, ...]


PIPELINE = ("--nnodes=2", "--node-rank=0", "--pipeline-parallel-size=2", "--tensor-parallel-size=8")
RANKS = ("--data-parallel-size=16", "--data-parallel-size-local=8", "--enable-expert-parallel")
STAGES = "parallelism: {tensor: 8, pipeline: 2}"
EXPERTS = "parallelism: {data: 16, dataLocal: 8, expert: true}"
ONE_NODE = "worker: null, parallelism: {data: 8, expert: true}"
TOPOLOGIES = {
    "plain-single-host": Topology(
        "vllm, nvidia-h200, single-host",
        "server: {replicas: 2, parallelism: {tensor: 8}}",
        "server",
        "Deployment",
        1,
        ("--tensor-parallel-size=8",),
    ),
    "plain-data-parallel": Topology(
        "vllm, nvidia-h200, data-parallel",
        f"server: {{{EXPERTS}}}",
        "server",
        "LeaderWorkerSet",
        2,
        RANKS,
    ),
    "plain-pipeline": Topology(
        "vllm, nvidia-h200, pipeline-parallel",
        f"server: {{{STAGES}}}",
        "server",
        "LeaderWorkerSet",
        2,
        PIPELINE,
    ),
    "decode-single-host": Topology(
        "vllm, nvidia-h200, prefill-decode",
        "decode: {parallelism: {tensor: 4}}, prefill: {replicas: 4, parallelism: {tensor: 1}}",
        "decode",
        "Deployment",
        1,
        ("--tensor-parallel-size=4", "--port=8200"),
    ),
    "decode-data-parallel": Topology(
        "vllm, nvidia-h200, prefill-decode-data-parallel",
        f"decode: {{{EXPERTS}}}, prefill: {{{ONE_NODE}}}",
        "decode",
        "LeaderWorkerSet",
        2,
        (*RANKS, "--data-parallel-multi-port-external-lb"),
    ),
    "decode-pipeline": Topology(
        "sglang, nvidia-h200, prefill-decode-pipeline",
        f"decode: {{{STAGES}}}, prefill: {{worker: null, parallelism: {{tensor: 8}}}}",
        "decode",
        "LeaderWorkerSet",
        2,
        (*PIPELINE, "--disaggregation-mode=decode"),
    ),
    "prefill-single-host": Topology(
        "vllm, nvidia-h200, prefill-decode",
        "decode: {parallelism: {tensor: 4}}, prefill: {replicas: 4, parallelism: {tensor: 1}}",
        "prefill",
        "Deployment",
        1,
        ("--tensor-parallel-size=1", "--port=8000"),
    ),
    "prefill-data-parallel": Topology(
        "vllm, nvidia-h200, prefill-decode-data-parallel",
        f"decode: {{{ONE_NODE}}}, prefill: {{{EXPERTS}}}",
        "prefill",
        "LeaderWorkerSet",
        2,
        (*RANKS, "--data-parallel-multi-port-external-lb"),
    ),
    "prefill-pipeline": Topology(
        "sglang, nvidia-h200, prefill-decode-pipeline",
        f"decode: {{worker: null, parallelism: {{tensor: 8}}}}, prefill: {{{STAGES}}}",
        "prefill",
        "LeaderWorkerSet",
        2,
        (*PIPELINE, "--disaggregation-mode=prefill"),
    ),
}


def model(topology: Topology) -> str:
    return f"""{HEAD}Model
metadata: {{name: big}}
extends: [{topology.extends}]
spec:
  model: {{name: acme/big, uri: pvc://models/big}}
  roles: {{{topology.roles}}}
"""


def objects(root: Path, topology: Topology) -> dict[tuple[str, str], Any]:
    write_files(
        root,
        {
            "modelmill.yaml": PROJECT,
            "models/big.yaml": model(topology),
            "overlays/prod/environment.yaml": overlay("prod"),
        },
    )
    shutil.copytree(ROOT / "presets", root / "presets")
    ran = run(root, "render", "big", "-e", "prod")
    assert ran.status == 0, ran.stderr
    return {
        (body["kind"], body["metadata"]["name"]): body
        for body in yaml.load_all(ran.stdout, yaml.CSafeLoader)
    }


def pod_of(workload: Any) -> Any:
    """The pod of a workload that takes requests."""
    spec = workload["spec"]
    if workload["kind"] == "Deployment":
        return spec["template"]["spec"]
    template = spec["leaderWorkerTemplate"]
    return (template.get("leaderTemplate") or template["workerTemplate"])["spec"]


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_a_dozen_lines_make_it(topology: Topology, tmp_path: Path) -> None:
    assert len(model(topology).splitlines()) <= 12
    found = objects(tmp_path, topology)
    workload = found[topology.kind, f"big-{topology.role}"]
    pods = workload["spec"].get("leaderWorkerTemplate", {"size": 1})["size"]
    assert pods == topology.pods
    (engine,) = (c for c in pod_of(workload)["containers"] if c["name"] == "modelserver")
    assert set(topology.flags) <= set(engine["args"])
    gpus = int(engine["resources"]["limits"]["nvidia.com/gpu"])
    assert gpus <= 8


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_requests_reach_it(topology: Topology, tmp_path: Path) -> None:
    """Its pool selects the pods that serve, and of a group's those alone."""
    found = objects(tmp_path, topology)
    wanted = found["InferencePool", "big"]["spec"]["selector"]["matchLabels"].items()
    workload = found[topology.kind, f"big-{topology.role}"]["spec"]
    if topology.kind == "Deployment":
        assert wanted <= workload["template"]["metadata"]["labels"].items()
        return
    group = workload["leaderWorkerTemplate"]
    workers_serve = any("multi-port" in flag for flag in topology.flags)
    leader = group.get("leaderTemplate") or group["workerTemplate"]
    assert wanted <= leader["metadata"]["labels"].items()
    assert (wanted <= group["workerTemplate"]["metadata"]["labels"].items()) is workers_serve
