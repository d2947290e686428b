"""The repositories that benchmarks compile, and that the benchmarks still run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from benchmarks.fleet import PROPORTIONS, write_fleet
from benchmarks.machine import file_system

from support import ROOT, compiled, texts_below

SEVERAL = 60
"""As many as hold each kind of model once."""
RAM = Path("/dev/shm")


def fleet(root: Path, *, models: int = SEVERAL, seed: int = 1, depth: int | None = None) -> Path:
    write_fleet(root, models=models, environments=3, seed=seed, depth=depth)
    return root


def models(root: Path) -> dict[str, bytes]:
    return texts_below(root, "models")


def test_a_seed_makes_the_same_fleet(tmp_path: Path) -> None:
    one, again, other = (fleet(tmp_path / f"{n}", seed=s) for n, s in enumerate((1, 1, 2)))
    assert texts_below(one, ".") == texts_below(again, ".")
    assert models(one).keys() == models(other).keys()
    assert not models(one).items() & models(other).items()


def test_a_model_is_the_same_in_a_larger_fleet(tmp_path: Path) -> None:
    few, many = fleet(tmp_path / "few", models=10), fleet(tmp_path / "many", depth=7)
    assert models(few).items() <= models(many).items()


def test_a_fleet_compiles_without_a_finding(tmp_path: Path) -> None:
    said = compiled(fleet(tmp_path / "fleet")).stderr
    assert re.fullmatch(r"\d+ added in \d+ units\n", said), said


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fleet(tmp_path_factory.mktemp("fleet") / "fleet")
    compiled(root)
    return root / "generated"


@pytest.mark.parametrize(
    "kind",
    [
        "Application",
        "ExternalSecret",
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "InferenceObjective",
        "InferencePool",
        "Job",
        "LeaderWorkerSet",
        "PersistentVolumeClaim",
        "PodMonitor",
        "PrometheusRule",
        "ScaledObject",
    ],
)
def test_a_fleet_has_objects_of_many_kinds(kind: str, generated: Path) -> None:
    assert any(f"\nkind: {kind}" in f.read_text() for f in generated.rglob("*.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "vllm/vllm-openai",
        "lmsysorg/sglang",
        "llm-d-inference-sim",
        "--enable-lora",
        "--kv-transfer-config",
        "--kv-events-config",
        "NVIDIA-L40S",
        "NVIDIA-H100",
    ],
)
def test_a_fleet_runs_many_things(text: str, generated: Path) -> None:
    assert any(text in f.read_text() for f in generated.rglob("*.yaml"))


def test_models_differ_in_where_they_run_and_in_what_differs_there(tmp_path: Path) -> None:
    documents = [yaml.safe_load(text) for text in models(fleet(tmp_path / "fleet")).values()]
    changed = {
        field
        for document in documents
        for entry in document.get("environments", {}).values()
        for field in entry
    }
    assert changed == {"roles", "resources", "engine", "autoscaling"}
    assert {d["metadata"]["labels"]["tier"] for d in documents} == {"critical", "standard", "trial"}
    assert len(documents) == sum(PROPORTIONS.values())


def test_presets_are_as_deep_as_asked_for(tmp_path: Path) -> None:
    presets = texts_below(fleet(tmp_path / "fleet", models=1, depth=10), "presets/company")
    parents = {}
    for text in presets.values():
        document = yaml.safe_load(text)
        parents[document["metadata"]["name"]] = document.get("extends", [None])[0]
    chain = ["team-00"]
    while parents[chain[-1]]:
        chain.append(parents[chain[-1]])
    assert len(chain) == 10


@pytest.mark.skipif(not RAM.is_dir() or file_system(RAM) != "tmpfs", reason="no RAM disk")
@pytest.mark.parametrize("family", ["cold", "incremental", "lint", "one_model", "publish"])
def test_a_family_of_benchmarks_runs(family: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "benchmarks", family, "--scale=small", "--rounds=1"]
    ran = subprocess.run(
        [*argv, f"--disk={tmp_path}"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^\| .* \| .* ×\*?\*? .* \|$", ran.stdout, re.MULTILINE), ran.stdout
