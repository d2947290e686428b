"""Traces: everything that handles a request sends them, under its own name, and nothing unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support import SMALL, model, run, write_files

VLLM = "engine: {type: vllm, version: v0.26.0, image: 'a/vllm:v1'}\n"
TRACING = "tracing: {endpoint: 'http://otel:4317', serviceNames: {prefill: mine}}\n"
SPEC = """
kvTransfer: {connector: nixl}
roles: {decode: {}, prefill: {}}
routing:
  scheduler:
    config:
      name: own
      plugins: {p: {type: max-score-picker}}
      schedulingProfiles: {default: {plugins: {p: {}}}}
"""


def containers(root: Path, spec: str) -> dict[str, Any]:
    """Containers by the name of their workload and their own."""
    texts = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    ran = run(write_files(root, texts), "render", "tiny")
    assert ran.status == 0, ran.stderr
    found = {}
    for body in yaml.load_all(ran.stdout, yaml.CSafeLoader):
        pod = body["spec"]["template"]["spec"] if body["kind"] == "Deployment" else {}
        for each in (*pod.get("initContainers", []), *pod.get("containers", [])):
            found[f"{body['metadata']['name']} {each['name']}"] = each
    return found


def otel(container: Any) -> dict[str, str]:
    names = {each["name"]: each.get("value") for each in container.get("env", [])}
    return {name: value for name, value in names.items() if name.startswith("OTEL_")}


def test_each_service_has_a_name_of_its_own(tmp_path: Path) -> None:
    found = containers(tmp_path, VLLM + TRACING + SPEC)
    assert {name: otel(each)["OTEL_SERVICE_NAME"] for name, each in found.items()} == {
        "tiny-decode routing-proxy": "tiny-routing-proxy",
        "tiny-decode modelserver": "tiny-decode",
        "tiny-prefill modelserver": "mine",
        "tiny-epp epp": "tiny-epp",
    }


def test_nothing_traces_unasked(tmp_path: Path) -> None:
    for each in containers(tmp_path, VLLM + SPEC).values():
        assert not otel(each)
        assert not [word for word in each["args"] if "trac" in word]


def test_pods_that_are_only_what_is_written_do_not_trace(tmp_path: Path) -> None:
    # By these labels the pool and the Service know them.
    labels = '{app.kubernetes.io/instance: tiny, llm-d.ai/inference-serving: "true", '
    labels += 'modelmill.dev/entry: "true"}'
    found = containers(
        tmp_path, f"defaults: none\npod: {{labels: {labels}}}\n{VLLM}{TRACING}{SPEC}"
    )
    for name in (
        "tiny-decode modelserver",
        "tiny-decode routing-proxy",
        "tiny-prefill modelserver",
    ):
        assert not otel(found[name])
        assert not [word for word in found[name]["args"] if "trac" in word]


OWN = {
    "engine": ("engine: {env: {OTEL_SERVICE_NAME: own}}", "tiny-decode modelserver"),
    "sidecar": ("routing: {sidecar: {env: {OTEL_SERVICE_NAME: own}}}", "tiny-decode routing-proxy"),
    "picker": ("routing: {scheduler: {env: {OTEL_SERVICE_NAME: own}}}", "tiny-epp epp"),
}


@pytest.mark.parametrize(("layer", "name"), OWN.values(), ids=OWN)
def test_what_people_set_wins(tmp_path: Path, layer: str, name: str) -> None:
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", VLLM + TRACING + SPEC, "[sim]", f"{{prod: {{{layer}}}}}"),
    }
    ran = run(write_files(tmp_path, texts), "render", "tiny", "-e", "prod")
    assert ran.status == 0, ran.stderr
    values = []
    for body in yaml.load_all(ran.stdout, yaml.CSafeLoader):
        pod = body["spec"]["template"]["spec"] if body["kind"] == "Deployment" else {}
        for each in (*pod.get("initContainers", []), *pod.get("containers", [])):
            if f"{body['metadata']['name']} {each['name']}" == name:
                values.append(otel(each)["OTEL_SERVICE_NAME"])
    assert values == ["own"]


def test_a_flag_switches_a_component_off(tmp_path: Path) -> None:
    off = SPEC.replace("scheduler:", "scheduler:\n    flags: {tracing: false}")
    assert "--tracing=false" in containers(tmp_path, VLLM + TRACING + off)["tiny-epp epp"]["args"]
