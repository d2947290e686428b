"""What scales a role: whose pods it looks at, and what it leaves to whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.autoscaling import canonical, scaled_workloads
from modelmill.pipeline import variant_of
from modelmill.repository import index
from modelmill.resolve import Resolver
from modelmill.sources import read_sources
from support import PROJECT, SIM, model, overlay, run, write_files

KEDA = "{by: keda, maxReplicas: 4, triggers: {engine-running: {target: 16}}}"
HPA = "{by: hpa, maxReplicas: 4, triggers: {engine-running: {target: 16}}}"
PROMETHEUS = "prometheus: {serverAddress: http://prometheus:9090}"


def objects(
    root: Path, spec: str, name: str = "tiny", environment: str = PROMETHEUS
) -> dict[tuple[str, str], Any]:
    """The objects of a model in `prod`, by kind and name."""
    texts = {
        "modelmill.yaml": PROJECT,
        "presets/sim.yaml": SIM,
        f"models/{name}.yaml": model(name, spec, "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", environment),
    }
    ran = run(write_files(root, texts), "render", name, "-e", "prod")
    assert ran.status == 0, ran.stderr
    found = [each for each in yaml.safe_load_all(ran.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("type: prefill-decode", "Deployment"),
        ("type: prefill-decode, parallelism: {tensor: 2}, worker: {size: 2}", "LeaderWorkerSet"),
    ],
)
@pytest.mark.parametrize("scaling", [KEDA, HPA, "{by: wva, maxReplicas: 4}", "{by: external}"])
def test_replicas_are_left_to_a_scaler(tmp_path: Path, role: str, kind: str, scaling: str) -> None:
    found = objects(tmp_path, f"roles: {{server: {{{role}, replicas: 3, autoscaling: {scaling}}}}}")
    assert "replicas" not in found[kind, "tiny-server"]["spec"]


def test_an_environment_takes_a_scaler_away(tmp_path: Path) -> None:
    spec = f"roles: {{server: {{type: prefill-decode, replicas: 3, autoscaling: {KEDA}}}}}"
    found = objects(tmp_path, spec, environment="autoscaling: null")
    assert found["Deployment", "tiny-server"]["spec"]["replicas"] == 3
    assert not [kind for kind, _ in found if kind == "ScaledObject"]


def test_every_workload_without_replicas_is_told(tmp_path: Path) -> None:
    texts = {
        "modelmill.yaml": PROJECT,
        "presets/sim.yaml": SIM,
        "models/tiny.yaml": model(
            "tiny",
            f"""
            roles:
              a: {{type: prefill-decode, autoscaling: {HPA}}}
              b:
                type: prefill-decode
                parallelism: {{tensor: 2}}
                worker: {{size: 2}}
                autoscaling: {{by: external}}
              c: {{type: prefill-decode}}
            """,
            "[sim]",
        ),
    }
    repository = index(read_sources(write_files(tmp_path, texts)))
    tiny = repository.catalog.models["tiny"]
    variant = variant_of(repository, Resolver(repository.catalog), tiny, None, {})
    assert variant is not None
    assert [(each.kind, each.name) for each in scaled_workloads(variant)] == [
        ("Deployment", "tiny-a"),
        ("LeaderWorkerSet", "tiny-b"),
    ]


LONG = "a-model-whose-name-is-as-long-as-the-name-of-a-model-may-be"


@pytest.mark.parametrize(
    ("pod", "looks"),
    [
        ("tiny-server-6f9c8d7b5-x2x9z", True),
        ("tiny-server-v2-6f9c8d7b5-x2x9z", False),
        ("other-tiny-server-6f9c8d7b5-x2x9z", False),
        ("tiny-epp-6f9c8d7b5-x2x9z", False),
    ],
)
def test_a_scaler_looks_at_the_pods_of_its_workload(tmp_path: Path, pod: str, looks: bool) -> None:
    found = objects(tmp_path, f"roles: {{server: {{type: prefill-decode, autoscaling: {KEDA}}}}}")
    assert bool(re.fullmatch(pods_asked(found), pod)) == looks


def test_a_long_name_is_cut_as_kubernetes_cuts_it(tmp_path: Path) -> None:
    spec = f"roles: {{server: {{type: prefill-decode, autoscaling: {KEDA}}}}}"
    found = objects(tmp_path, spec, LONG)
    (workload,) = (name for kind, name in found if kind == "Deployment")
    assert len(workload) > 58
    pod = f"{workload}-6f9c8d7b5-"[:58] + "x2x9z"
    assert re.fullmatch(pods_asked(found), pod)


def pods_asked(found: dict[tuple[str, str], Any]) -> str:
    (scaler,) = (each for (kind, _), each in found.items() if kind == "ScaledObject")
    query = scaler["spec"]["triggers"][0]["metadata"]["query"]
    (pattern,) = re.findall(r'pod=~"(.*?)"', query)
    return str(pattern)


@pytest.mark.parametrize(
    ("number", "quantity"),
    [
        ("16", "16"),
        ("0.7", "700m"),
        ("1.0", "1"),
        ("1.50", "1500m"),
        ("1000", "1k"),
        ("2500", "2500"),
        ("3000000", "3M"),
        ("0.0005", "500u"),
        ("0", "0"),
    ],
)
def test_quantities_are_as_the_api_server_writes_them(number: str, quantity: str) -> None:
    """Else Argo CD would see a difference that nobody made."""
    assert canonical(number) == quantity


def test_a_behavior_is_whole(tmp_path: Path) -> None:
    """The API server fills in both directions where one is given."""
    scaling = HPA.replace("by: hpa", "by: hpa, behavior: {scaleUp: {selectPolicy: Min}}")
    found = objects(
        tmp_path, f"roles: {{server: {{type: prefill-decode, autoscaling: {scaling}}}}}"
    )
    behavior = found["HorizontalPodAutoscaler", "tiny-server"]["spec"]["behavior"]
    assert behavior["scaleUp"]["selectPolicy"] == "Min"
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["policies"] == [
        {"type": "Percent", "value": 100, "periodSeconds": 15}
    ]


def test_what_a_scaler_asks_is_what_is_recorded(tmp_path: Path) -> None:
    found = objects(tmp_path, f"roles: {{server: {{type: prefill-decode, autoscaling: {HPA}}}}}")
    (metric,) = found["HorizontalPodAutoscaler", "tiny-server"]["spec"]["metrics"]
    (group,) = found["PrometheusRule", "tiny-server-scaling"]["spec"]["groups"]
    (rule,) = group["rules"]
    asked = metric["external"]["metric"]
    assert asked["name"] == rule["record"]
    # The adapter adds the namespace of the HorizontalPodAutoscaler.
    expected = {**asked["selector"]["matchLabels"], "namespace": "llm-prod"}
    assert rule["labels"] == expected
