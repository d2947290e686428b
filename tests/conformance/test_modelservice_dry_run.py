"""The operator's recorded dry runs, and what it refused, against ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from modelmill.diagnostics import has_errors
from modelmill.importers.modelservice_operator import Rendered, Settings, read, render

SHARED = Path(__file__).resolve().parents[3] / "shared" / "conformance"
OPERATOR = SHARED / "operator"
pytestmark = pytest.mark.conformance

SETTINGS = {
    "generated": Settings("pod-read"),
    "experiments": Settings("pod-read"),
    "tests": Settings("epp-cluster-role", ("epp-pull-secret",), ("secret1", "secret2")),
}
SAMPLES = {
    "simple-model": ("simple-model/granite3.2", "simple-model/simple-baseconfig"),
    "nixl-xpyd": ("nixl-xpyd/facebook-nixl", "nixl-xpyd/universal-baseconfig-hf"),
    "pvc": ("pvc/llama4", "pvc/universal-baseconfig-pvc"),
    "test-msvc": ("test/msvc", "test/baseconfig"),
    "test-msvc-hf": ("test/msvc-hf", "test/baseconfig"),
    "test-msvc-nobase": ("test/msvc", None),
}
TWO_OF_A_NAME = {"e40-name-63-collision"}
"""What equivalent.py cannot read: the operator gave two objects one name."""
NOT_HERMETIC = {"e32-sprig-env"}
"""What the operator renders from its own environment."""
REFUSED_WHEN_CORRECTED = {
    # Names in a URI that lead to no volume, or to no model.
    "e18-pvc-no-path",
    "e21-hf-three-parts",
    "controller-hf",
    # A port nobody declares.
    "e15-unknown-port",
}
DROPPED = {"ownerReferences", "status", "creationTimestamp"}
NOISE = {"affinity": {}, "strategy": {}, "resources": {}, "failureMode": None, "targetPort": 0}


class Case(NamedTuple):
    name: str
    modelservice: Path
    baseconfig: Path | None
    recorded: Path | None
    settings: Settings


def cases() -> Iterator[Case]:
    for name, (modelservice, baseconfig) in SAMPLES.items():
        yield Case(
            name,
            OPERATOR / "samples" / f"{modelservice}.yaml",
            OPERATOR / "samples" / f"{baseconfig}.yaml" if baseconfig else None,
            OPERATOR / "generated" / f"{name}.yaml",
            SETTINGS["generated"],
        )
    for folder in ("tests", "experiments"):
        for case in sorted((OPERATOR / folder).glob("*/")):
            base, recorded = case / "baseconfig.yaml", case / "out.yaml"
            yield Case(
                case.name,
                case / "msvc.yaml",
                base if base.exists() else None,
                recorded if recorded.exists() else None,
                SETTINGS[folder],
            )


CASES = {case.name: case for case in cases()}
RECORDED = [name for name, case in CASES.items() if case.recorded and name not in NOT_HERMETIC]
REFUSED = [name for name, case in CASES.items() if not case.recorded] + sorted(NOT_HERMETIC)


def rendered(name: str, *, as_is: bool) -> Rendered:
    case = CASES[name]
    base = case.baseconfig
    source = read(
        (case.modelservice.name, case.modelservice.read_bytes()),
        (base.name, base.read_bytes()) if base else None,
    )
    return render(source, case.settings, as_is=as_is)


def recorded(name: str) -> Any:
    path = CASES[name].recorded
    assert path
    return yaml.safe_load(path.read_text())


def without_noise(value: Any) -> Any:
    """As the operator prints a Go object, less what only says that nothing is there."""
    if isinstance(value, dict):
        kept = {
            key: without_noise(each)
            for key, each in value.items()
            if key not in DROPPED and not (key in NOISE and each == NOISE[key])
        }
        return {
            key: each
            for key, each in kept.items()
            if (key, each) not in (("metadata", {}), ("containers", None))
        }
    return [without_noise(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", RECORDED)
def test_as_is_is_what_the_operator_printed(name: str) -> None:
    result = rendered(name, as_is=True)
    assert not has_errors(result.findings)
    assert without_noise(dict(result.children)) == without_noise(recorded(name))


def _equivalent() -> Any:
    spec = importlib.util.spec_from_file_location("equivalent", SHARED / "equivalent.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted({*RECORDED} - TWO_OF_A_NAME))
def test_as_is_is_equivalent_to_what_the_operator_printed(name: str, tmp_path: Path) -> None:
    actual = tmp_path / "actual.yaml"
    actual.write_text(yaml.safe_dump(dict(rendered(name, as_is=True).children)))
    assert _equivalent().compare(str(CASES[name].recorded), str(actual)) == []


@pytest.mark.parametrize("name", REFUSED)
def test_as_is_refuses_what_the_operator_refuses(name: str) -> None:
    result = rendered(name, as_is=True)
    assert has_errors(result.findings)
    assert not result.children


@pytest.mark.parametrize("name", RECORDED)
def test_everything_else_is_rendered_corrected(name: str) -> None:
    refused = has_errors(rendered(name, as_is=False).findings)
    assert refused == (name in REFUSED_WHEN_CORRECTED)


@pytest.mark.parametrize("name", [*RECORDED, *REFUSED])
def test_every_finding_has_a_place(name: str) -> None:
    for as_is in (True, False):
        assert all(each.span for each in rendered(name, as_is=as_is).findings)


def corrected(name: str) -> Any:
    result = rendered(name, as_is=False)
    assert not has_errors(result.findings)
    return result.children


def said(name: str, code: str) -> bool:
    return any(each.code == code for each in rendered(name, as_is=False).findings)


def pod(name: str, key: str = "decodeDeployment") -> Any:
    return corrected(name)[key]["spec"]["template"]["spec"]


def test_zero_replicas_count() -> None:
    made = corrected("e01-replicas-zero")
    assert made["decodeDeployment"]["spec"]["replicas"] == 0
    assert made["eppDeployment"]["spec"]["replicas"] == 0
    assert said("e01-replicas-zero", "I836")


def test_a_variable_has_one_source_and_may_be_empty() -> None:
    env = {each["name"]: each for each in pod("e03-container-merge")["containers"][0]["env"]}
    assert env["C"] == {"name": "C", "value": "plain"}
    assert env["B"] == {"name": "B", "value": ""}
    assert said("e03-container-merge", "I840")


def test_a_flag_both_sides_set_stands_once() -> None:
    args = pod("e03-container-merge")["containers"][0]["args"]
    assert args == ["/model-cache/models/m1", "--flag=ms", "--port", "8000"]
    assert said("e03-container-merge", "I837")


def test_mounting_the_weights_keeps_the_environment() -> None:
    made = pod("e04-mount-drops-env")
    container = made["containers"][0]
    assert [each["name"] for each in container["env"]] == [
        "BASE",
        "HF_HOME",
        "USER_ENV",
        "HF_TOKEN",
    ]
    assert container["volumeMounts"] == [{"name": "model-storage", "mountPath": "/model-cache"}]
    assert made["volumes"] == [{"name": "model-storage", "emptyDir": {"sizeLimit": "7Gi"}}]


@pytest.mark.parametrize("name", ["nixl-xpyd", "perf-facebook"])
def test_a_volume_stands_once(name: str) -> None:
    for key in ("decodeDeployment", "prefillDeployment"):
        volumes = pod(name, key)["volumes"]
        assert volumes == [{"name": "model-storage", "emptyDir": {"sizeLimit": "20Gi"}}]
    assert said(name, "I838")


def test_parents_of_one_name_stay_apart() -> None:
    parents = corrected("e07-httproute-parentrefs")["httpRoute"]["spec"]["parentRefs"]
    assert {"name": "gw1", "port": 90} in parents
    assert {"name": "gw1", "namespace": "other"} in parents
    assert said("e07-httproute-parentrefs", "I842")


@pytest.mark.parametrize("name", ["e09-long-model-name-dash63", "e10-long-model-name"])
def test_a_long_model_name_has_a_label_of_its_own(name: str) -> None:
    labels = corrected(name)["decodeDeployment"]["metadata"]["labels"]
    assert 0 < len(labels["llm-d.ai/model"]) <= 63
    assert said(name, "I843")


def test_roles_of_a_long_name_stay_apart() -> None:
    made = corrected("e40-name-63-collision")
    names = {each["metadata"]["name"] for each in made.values()}
    assert len(names) == len(made)
    assert all(len(each) <= 63 for each in names)


def test_an_oci_image_is_mounted() -> None:
    made = pod("e17-oci")
    image = {"name": "model-storage", "image": {"reference": "reg/org/img:tag"}}
    assert made["volumes"] == [image]
    mount = {"name": "model-storage", "mountPath": "/model-cache", "readOnly": True}
    assert made["containers"][0]["volumeMounts"] == [mount]


def test_what_is_mounted_is_there() -> None:
    assert pod("e20-hf-one-part")["volumes"] == [{"name": "model-storage", "emptyDir": {}}]


def test_prefill_can_be_left_out() -> None:
    made = corrected("e23-base-only-pd")
    assert "decodeDeployment" in made
    assert "prefillDeployment" not in made
    assert "prefillService" not in made
    assert said("e23-base-only-pd", "I847")


def test_parallelism_is_told_to_the_engine() -> None:
    container = pod("e24-tensor-ignored")["containers"][0]
    assert container["args"] == ["--tensor-parallel-size", "8"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "8"}


def test_an_engine_gets_the_accelerators_it_spreads_over() -> None:
    container = pod("pvc")["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert container["resources"]["requests"]["nvidia.com/gpu"] == "8"
    assert "CUDA_VISIBLE_DEVICES" not in {each["name"] for each in container["env"]}


def test_a_service_without_pods_is_left_out() -> None:
    assert "prefillService" not in corrected("test-msvc")


def test_a_config_map_without_a_name_is_left_out() -> None:
    assert "configMaps" not in corrected("controller-bad-baseconfig")
    assert said("controller-bad-baseconfig", "I849")


def test_a_route_without_backends_leads_to_the_pool() -> None:
    made = corrected("controller-pvc")
    assert made["httpRoute"]["spec"]["rules"][0]["backendRefs"] == [
        {
            "group": "inference.networking.x-k8s.io",
            "kind": "InferencePool",
            "name": made["inferencePool"]["metadata"]["name"],
        }
    ]


def test_templates_are_rendered_wherever_they_stand() -> None:
    container = pod("e16-not-interpolated")["containers"][0]
    assert container["image"] == "img:org/Model-1"
    picker = pod("e16-not-interpolated", "eppDeployment")["containers"][0]
    assert picker["args"] == ["org/Model-1", "org/Model-1"]
    assert said("e16-not-interpolated", "I848")


def test_variables_stay_live() -> None:
    result = rendered("nixl-xpyd", as_is=False)
    decode = result.live_before["decodeDeployment"]["spec"]["template"]["spec"]
    assert decode["initContainers"][0]["args"][0] == "--port=${routing.port}"
    assert decode["initContainers"][0]["args"][1] == "--vllm-port=8200"
    route = result.live_before["httpRoute"]["spec"]["rules"][0]["backendRefs"][0]
    assert route["name"] == "${metadata.name}-inference-pool"
    assert result.live_spec["decode"]["containers"][0]["args"] == ["${model.name}"]
