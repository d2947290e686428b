"""The ModelService chart's golden renders: what runs is rendered to the word, what cannot run is
corrected, and what the chart refuses is refused with a reason or accepted where it was promised."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.diagnostics import Diagnostic
from modelmill.importers.helm import read_values
from modelmill.importers.modelservice_chart import CURRENT, FORMER, Rendered, render

SHARED = Path(__file__).resolve().parents[3] / "shared" / "conformance"
CASES = SHARED / "modelservice"
pytestmark = pytest.mark.conformance

NAMES = sorted(file.name.removesuffix(".values.yaml") for file in CASES.glob("*.values.yaml"))
RUNNING = [name for name in NAMES if not name.startswith(("edge-", "error-"))]
EXAMPLES = {"dra", "gaudi", "heterogeneous-pd", "pd", "pd-mnnvl", "pvc", "pvc-hf"} | {
    *("rebellions-atom", "requester", "xpu", "xpu-pd", "defaults")
}
TOOL_LABELS = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"}


def release_of(case: str) -> str:
    if case.startswith("gaie-"):
        return case.rpartition("-")[2]
    return "cpu-sim" if case == "cpu" else case if case in EXAMPLES else "ms"


def rendered(case: str) -> Rendered:
    file = CASES / f"{case}.values.yaml"
    values = read_values([(file.name, file.read_bytes())])
    generation = FORMER if case.startswith("gaie-v0.2.16") else CURRENT
    return render(values, release_of(case), "default", generation)


def expected(case: str) -> list[dict[str, Any]]:
    text = (CASES / f"{case}.yaml").read_text()
    return [each for each in yaml.safe_load_all(text) if each]


def to_the_word(value: Any, key: str = "") -> Any:
    """Without what says nothing: empty values, the tool's labels, variables set again below."""
    if isinstance(value, dict):
        found = {k: to_the_word(v, k) for k, v in value.items() if k not in TOOL_LABELS}
        return {k: v for k, v in found.items() if v not in (None, {}, [], "") or k == "emptyDir"}
    if isinstance(value, list):
        if key == "env":
            value = list({each["name"]: each for each in value}.values())
        return [to_the_word(each) for each in value]
    return value


@pytest.mark.parametrize("case", RUNNING)
def test_what_runs_is_rendered_to_the_word(case: str) -> None:
    ours = [to_the_word(each) for each in rendered(case).objects]
    assert ours == [to_the_word(each) for each in expected(case)]


@pytest.mark.parametrize("case", RUNNING)
def test_what_runs_is_equivalent(case: str, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(yaml.safe_dump_all(json.loads(json.dumps(rendered(case).objects))))
    command = [sys.executable, SHARED / "equivalent.py", CASES / f"{case}.yaml", file]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout == "equivalent\n"


@pytest.mark.parametrize("case", RUNNING)
def test_what_runs_is_no_error(case: str) -> None:
    assert all(d.severity == "warning" for d in rendered(case).findings)


def workload(case: str, kind: str = "Deployment") -> Any:
    return next(each for each in rendered(case).objects if each["kind"] == kind)


def pod(case: str) -> Any:
    return workload(case)["spec"]["template"]["spec"]


def engine(case: str) -> Any:
    return pod(case)["containers"][0]


def found(case: str, code: str) -> Diagnostic:
    """The one finding of that code; it stands at a line that the user wrote."""
    (one,) = [each for each in rendered(case).findings if each.code == code]
    assert one.span
    assert one.hint
    return one


def env(container: Any) -> dict[str, str]:
    assert len({each["name"] for each in container["env"]}) == len(container["env"])
    return {each["name"]: each.get("value") for each in container["env"]}


def flag(container: Any, name: str) -> str:
    args = container["args"]
    assert args.count(name) == 1
    return str(args[args.index(name) + 1])


def test_unset_sizes_of_a_group_follow_from_data() -> None:
    group = workload("edge-data-only-mn", "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    (container,) = group["workerTemplate"]["spec"]["containers"]
    assert group["size"] == 1
    assert flag(container, "--data-parallel-size") == "16"
    assert flag(container, "--data-parallel-size-local") == "16"
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "16"}
    assert env(container)["DP_SIZE_LOCAL"] == "16"
    assert "dataLocal 16" in found("edge-data-only-mn", "I806").message


def test_data_of_a_group_follows_from_its_pods() -> None:
    group = workload("edge-dl-w-only", "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    (container,) = group["leaderTemplate"]["spec"]["containers"]
    assert group["size"] == 2
    assert flag(container, "--data-parallel-size") == "16"
    assert flag(container, "--data-parallel-size-local") == "8"
    assert env(container)["DP_SIZE"] == "16"
    assert found("edge-dl-w-only", "I806").span


@pytest.mark.parametrize("case", ["edge-data-dl-null-w", "edge-dl-w-only"])
def test_pods_of_a_group_know_their_ranks(case: str) -> None:
    group = workload(case, "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    (leader,) = group["leaderTemplate"]["spec"]["containers"]
    (worker,) = group["workerTemplate"]["spec"]["containers"]
    assert flag(leader, "--data-parallel-address") == "$(LWS_LEADER_ADDRESS)"
    assert flag(leader, "--data-parallel-rpc-port") == "5555"
    assert flag(leader, "--data-parallel-start-rank") == "0"
    assert "--headless" not in leader["args"]
    assert worker["command"] == ["/bin/sh", "-c"]
    (line,) = worker["args"]
    assert line.startswith("exec vllm serve org/m ")
    assert "--headless" in line
    assert '--data-parallel-start-rank "$(( LWS_WORKER_INDEX * 8 ))"' in line
    assert rendered(case).roles["decode"].native_multi_node
    assert found(case, "I817")


def test_a_deployment_has_the_ranks_of_its_pod() -> None:
    container = engine("edge-workers-deploy")
    assert flag(container, "--data-parallel-size") == "8"
    assert flag(container, "--data-parallel-size-local") == "8"
    assert env(container)["DP_SIZE"] == "8"
    assert found("edge-workers-deploy", "I806")


def test_a_deployment_that_asks_for_too_few_accelerators_is_kept() -> None:
    findings = rendered("dp-data-only").findings
    assert any(d.code == "I814" and "4 data-parallel ranks" in d.message for d in findings)


def test_the_users_environment_wins() -> None:
    container = engine("edge-env-override")
    names = [each["name"] for each in container["env"]]
    assert names == ["HF_HOME", "TP_SIZE", "DP_SIZE", "DP_SIZE_LOCAL"]
    assert env(container)["HF_HOME"] == "/mine"
    assert env(container)["TP_SIZE"] == "9"
    repeated = [d for d in rendered("edge-env-override").findings if d.code == "I807"]
    assert ["HF_HOME" in d.message or "TP_SIZE" in d.message for d in repeated] == [True, True]


def test_affinities_are_merged() -> None:
    assert set(pod("edge-extra-affinity")["affinity"]) == {"nodeAffinity", "podAntiAffinity"}
    assert "affinity" in found("edge-extra-affinity", "I808").message


def test_without_a_sidecar_the_engine_is_reached() -> None:
    assert "initContainers" not in pod("edge-proxy-null")
    assert flag(engine("edge-proxy-null"), "--port") == "8000"
    assert rendered("edge-proxy-null").roles["decode"].engine_port == 8000
    assert found("edge-proxy-null", "I809")


def test_an_unknown_accelerator_is_not_asked_for_as_nvidias() -> None:
    assert "resources" not in engine("edge-unknown-accel")
    assert "accelerator.resource" in found("edge-unknown-accel", "I811").hint


def test_a_claim_without_a_path_is_the_model() -> None:
    assert engine("edge-uri-pvc-claim")["args"][0] == "/model-cache"
    assert found("edge-uri-pvc-claim", "I812")


def test_a_bucket_is_streamed() -> None:
    container = engine("edge-uri-s3-b-k")
    assert container["args"][0] == "s3://b/k"
    assert flag(container, "--load-format") == "runai_streamer"
    assert "volumeMounts" not in container
    assert [each["name"] for each in pod("edge-uri-s3-b-k")["volumes"]] == ["metrics-volume"]
    assert found("edge-uri-s3-b-k", "I812")


@pytest.mark.parametrize(
    ("case", "resource"),
    [("edge-warn-global", "nvidia.com/gpu"), ("edge-warn-role", "amd.com/gpu")],
)
def test_limits_and_requests_are_equal(case: str, resource: str) -> None:
    resources = engine(case)["resources"]
    assert resources["limits"] == resources["requests"] == {resource: 2}
    assert "parallelism needs 4" in found(case, "I813").message


def test_dual_pods_keep_what_decode_asks_for() -> None:
    replica_set = workload("edge-requester-full", "ReplicaSet")
    template = replica_set["spec"]["template"]
    patch = yaml.safe_load(template["metadata"]["annotations"]["dual-pod.llm-d.ai/server-patch"])
    assert [each["name"] for each in patch["spec"]["volumes"]] == ["v1", "model-storage"]
    assert patch["spec"]["nodeSelector"] == {"a": "b"}
    assert patch["spec"]["tolerations"] == [{"operator": "Exists"}]
    assert patch["spec"]["serviceAccountName"] == "ms-llm-d-modelservice"
    assert patch["metadata"]["annotations"] == {"p": "q"}
    assert patch["metadata"]["labels"] == {
        "llm-d.ai/inference-serving": "true",
        "llm-d.ai/role": "decode",
        "model-reg": "m",
        "model-repo": "org",
        "app": None,
    }
    assert template["spec"]["nodeSelector"] == {"a": "b"}
    assert template["spec"]["tolerations"] == [{"operator": "Exists"}]
    (requester,) = template["spec"]["containers"]
    assert requester["resources"]["limits"]["nvidia.com/gpu"] == 4
    assert replica_set["metadata"]["annotations"]
    codes = [each.code for each in rendered("edge-requester-full").findings]
    assert codes.count("I810") == 2


REFUSED = {
    "error-cmd-bogus": ("I804", "4:61", "modelCommand"),
    "error-cmd-custom-nocmd": ("I804", "4:16", "command"),
    "error-dp-notmult": ("I804", "5:23", "no multiple of `workers` 2"),
    "error-labels-empty": ("I804", "1:26", "labels"),
    "error-hpa-min": ("I804", "5:32", "autoscaling.minReplicas"),
    "error-no-image": ("I804", "4:16", "no image"),
    "error-pipeline": ("I804", "5:17", "parallelism.pipeline"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nothing_promises_is_refused(case: str) -> None:
    code, place, words = REFUSED[case]
    (error,) = [d for d in rendered(case).findings if d.severity == "error"]
    assert (error.code, str(error.span).partition(":")[2]) == (code, place)
    assert words in error.message
    assert error.hint
    assert rendered(case).objects == ()


ACCEPTED = {
    "error-count": "resourceClaimTemplates.nvidia.count",
    "error-custom-accel": "accelerator.resources.ascend",
    "error-env-nvidia": "accelerator.env.nvidia",
    "error-ns-selector": "namespaceSelector",
    "error-oci-pullPolicy": "imagePullPolicy",
    "error-routing-modelName": "routing.modelName",
    "error-routing-parentRefs": "routing.parentRefs",
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_the_documentation_promises_is_accepted(case: str) -> None:
    said = [d for d in rendered(case).findings if d.code == "I805"]
    assert any(ACCEPTED[case] in d.message for d in said)
    assert rendered(case).objects


def test_what_was_promised_is_there() -> None:
    template = workload("error-count", "ResourceClaimTemplate")
    assert template["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] == 2
    assert engine("error-custom-accel")["resources"]["limits"] == {"huawei.com/Ascend910": "1"}
    assert env(engine("error-env-nvidia"))["A"] == "b"
    monitor = workload("error-ns-selector", "PodMonitor")
    assert monitor["spec"]["namespaceSelector"] == {"any": True}
    volumes = {each["name"]: each for each in pod("error-oci-pullPolicy")["volumes"]}
    assert volumes["model-storage"]["image"] == {"reference": "q/x:1", "pullPolicy": "Never"}
    assert rendered("error-routing-parentRefs").routing.parent_refs == ({"name": "gw"},)  # type: ignore[union-attr]


def test_every_case_is_decided() -> None:
    decided = {*REFUSED, *ACCEPTED}
    assert decided == {name for name in NAMES if name.startswith("error-")}
