"""`modelmill validate` on what others emit: renders of the llm-d ModelService chart, dry runs of
the ModelService operator, and the CRDs of the clusters they are for."""

from __future__ import annotations

import copy
import json
import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_crds import CRDS

from modelmill.validation import cel_rules, structure
from modelmill.validation.crds import schemas_of
from modelmill.validation.plain_yaml import documents
from modelmill.validation.schema import Schema
from modelmill.validation.schemas import Kind, Schemas
from stories import GOOD, stories
from support import ROOT, inputs_of, run
from test_validate_schemas import mutated

pytestmark = pytest.mark.conformance

SHARED = ROOT.parent / "shared" / "conformance"
CHART, OPERATOR = SHARED / "modelservice", SHARED / "operator"
MOVING, UNUSED, TWICE = "V257", "V203", "V106"
RENDERED: dict[str, set[str]] = {
    # The 12 examples of the chart: the sidecar and the images are `latest`, the metrics volume is
    # nobody's, an image for Gaudi is given GPUs of NVIDIA.
    "cpu": {MOVING, UNUSED},
    "pd": {MOVING, UNUSED},
    "pvc": {MOVING, UNUSED},
    "pvc-hf": {MOVING, UNUSED},
    "heterogeneous-pd": {MOVING, UNUSED, "V256"},
    "pd-mnnvl": {MOVING, UNUSED},
    "dra": {UNUSED},
    "gaudi": {UNUSED},
    "xpu": {MOVING, UNUSED},
    "xpu-pd": {MOVING, UNUSED, TWICE},
    "rebellions-atom": {UNUSED},
    "requester": {MOVING, UNUSED},
    # What its templates make of odd values.
    "edge-warn-global": {MOVING, UNUSED, "V253", "V254"},
    "edge-warn-role": {MOVING, UNUSED, "V253", "V254"},
    "edge-env-override": {MOVING, UNUSED, TWICE},
    "edge-extra-affinity": {MOVING, UNUSED, "V107"},
    "edge-uri-s3-b-k": {MOVING, UNUSED, "V115"},
    "autoscaling-lws": {MOVING, UNUSED, "V212"},
    "dp-data-only": {MOVING, UNUSED, "V254"},
    "gaie-v0.2.16-pd": {UNUSED, "V118"},
}
DRY_RUNS: dict[str, set[str]] = {
    "generated/nixl-xpyd": {"V110", "V118", "V211"},
    "generated/pvc": {"V254", "V118", "V211"},
    "generated/simple-model": {UNUSED},
    "experiments/e01-replicas-zero/out": {"V105", UNUSED},
    "experiments/e03-container-merge/out": {"V117", UNUSED},
    "experiments/e04-mount-drops-env/out": {"V110", "V258"},
    "experiments/e18-pvc-no-path/out": {"V115", "V258"},
    "experiments/e40-name-63-collision/out": {"V105", "V113", UNUSED},
    "tests/controller-bad-baseconfig/out": {"V109"},
}


def codes(folder: Path, *arguments: str) -> set[str]:
    ran = run(folder, "validate", *arguments, "--format", "json")
    return {each["code"] for each in json.loads(ran.stdout)["diagnostics"]}


@pytest.mark.parametrize("case", RENDERED)
def test_renders_of_the_chart(case: str) -> None:
    assert codes(CHART, f"{case}.yaml", "--schemas", str(CRDS)) == RENDERED[case]


@pytest.mark.parametrize("case", DRY_RUNS)
def test_dry_runs_of_the_operator(case: str) -> None:
    assert codes(OPERATOR, f"{case}.yaml") >= DRY_RUNS[case]


def test_eight_ranks_on_one_accelerator_are_named() -> None:
    ran = run(OPERATOR, "validate", "generated/pvc.yaml", "--format", "text")
    assert "vllm is told tensor parallelism 8, which needs 8 accelerators, and has 1" in ran.stderr
    assert "`CUDA_VISIBLE_DEVICES` shows 1 of the 8 accelerators needed" in ran.stderr


TRUE_FINDINGS = {
    "accepted-until": {MOVING},
    "finding-accepted": {MOVING},
    "one-of-replaced": {UNUSED},
    "worker-differs": {UNUSED},
}
"""Stories whose people accept an image that moves, or declare a volume that nothing mounts."""


@pytest.mark.parametrize("story", stories(GOOD))
def test_what_kustomize_builds_of_generated_has_no_finding(story: str, tmp_path: Path) -> None:
    shutil.copytree(GOOD / story / "expected", tmp_path / "generated")
    found = codes(tmp_path, "generated")
    assert found == TRUE_FINDINGS.get(story, set())


def test_what_kustomize_builds_of_this_repository_has_no_finding(tmp_path: Path) -> None:
    assert inputs_of(ROOT)
    shutil.copytree(ROOT / "generated", tmp_path / "generated")
    assert codes(tmp_path, "generated") == set()


@cache
def clusters() -> dict[Kind, Schema]:
    """The schemas of CRDs as clusters have them."""
    found: dict[Kind, Schema] = {}
    for path in sorted(CRDS.rglob("*.yaml")):
        for body in documents(path.name, path.read_bytes()):
            found.update(schemas_of(body, "1.37"))
    return found


OBJECTS = {
    "LeaderWorkerSet": """\
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: a}
spec:
  replicas: 2
  startupPolicy: LeaderReady
  networkConfig: {subdomainPolicy: Shared}
  rolloutStrategy:
    type: RollingUpdate
    rollingUpdateConfiguration: {maxUnavailable: 1, maxSurge: 50%, partition: 0}
  leaderWorkerTemplate:
    size: 2
    restartPolicy: RecreateGroupOnPodRestart
    subGroupPolicy: {subGroupSize: 2, subGroupPolicyType: LeaderWorker}
    workerTemplate:
      metadata: {labels: {app: a}}
      spec:
        containers:
          - name: vllm
            image: a/b:v1
            env: [{name: A, value: b}]
            ports: [{containerPort: 8000, name: http, protocol: TCP}]
            resources: {limits: {cpu: 1, memory: 2Gi}}
        volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]
""",
    "InferencePool": """\
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: a}
spec:
  appProtocol: http
  selector: {matchLabels: {app: a}}
  targetPorts: [{number: 8000}, {number: 8001}]
  endpointPickerRef: {name: a-epp, kind: Service, port: {number: 9002}, failureMode: FailOpen}
""",
    "InferenceObjective": """\
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: a}
spec: {priority: 1, poolRef: {name: a}}
""",
    "InferenceModelRewrite": """\
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: a}
spec:
  poolRef: {name: a}
  rules:
    - matches: [{model: {type: Exact, value: a}}]
      targets: [{modelRewrite: b, weight: 10}]
""",
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_schemas_written_by_hand_refuse_what_the_crds_refuse(kind: str) -> None:
    body = yaml.safe_load(OBJECTS[kind])
    name = Kind(body["apiVersion"], body["kind"])
    ours, theirs = Schemas("1.37").find(name), clusters()[name]
    assert ours is not None
    assert not is_refused(ours, body)
    assert not is_refused(theirs, body)
    chance = random.Random(kind)
    differing = []
    for _ in range(200):
        changed = mutated(copy.deepcopy(body), chance)
        if is_refused(ours, changed) != is_refused(theirs, changed):
            differing.append(changed)
    # Enums of pods, and names of ports, differ by the release that the CRD was made with.
    assert len(differing) <= 200 * 0.03, differing[:3]


def is_refused(schema: Schema, body: dict[str, Any]) -> bool:
    found = [each for each in structure.faults(schema, body) if each.code != "V106"]
    return bool(found) or any(cel_rules.broken(schema, body))


def test_schemas_that_ship_take_what_the_crds_take() -> None:
    """Of kinds that both have, a field that clusters know is known here, too."""
    missing = {}
    for kind, schema in clusters().items():
        ours = Schemas("1.37").find(kind)
        if ours is not None and not ours.is_builtin:
            known, shipped = fields(schema, schema.root), fields(ours, ours.root)
            missing[str(kind)] = sorted(known - shipped)
    assert {kind: found for kind, found in missing.items() if len(found) > MOST_NEWER} == {}


MOST_NEWER = 60
"""Fields that a release after the one that ships has added."""


def fields(schema: Schema, part: Any, path: str = "", depth: int = 0) -> set[str]:
    """Paths of fields, two levels below `spec` deep."""
    found = set()
    for key, below in schema.fields(schema.of(part)).items():
        if depth == 0 and key != "spec":
            continue
        found.add(f"{path}.{key}")
        if depth < 2:
            items = schema.of(schema.of(below).get("items", below))
            found |= fields(schema, items, f"{path}.{key}", depth + 1)
    return found
