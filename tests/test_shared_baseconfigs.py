"""ModelServices that share a BaseConfig share a Preset, and find theirs by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from support import built, run, write_files

BASE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shared-base}
data:
  decodeDeployment: |
    spec:
      template:
        spec:
          containers:
            - name: vllm
              image: ghcr.io/acme/vllm:v0.26.0
              command: [vllm, serve]
              args: ["--served-model-name", "{{ .ModelName }}"]
  eppDeployment: |
    spec:
      template:
        spec:
          containers:
            - name: epp
              image: ghcr.io/acme/epp:v1
              args: ["--pool", "{{ .InferencePoolName }}"]
"""


def modelservice(name: str, base: str = "shared-base") -> str:
    return f"""\
apiVersion: llm-d.ai/v1alpha1
kind: ModelService
metadata: {{name: {name}}}
spec:
  baseConfigMapRef: {{name: {base}}}
  routing: {{modelName: acme/{name}}}
  modelArtifacts: {{uri: hf://acme/{name}, size: 5Gi}}
  decode:
    replicas: 2
    containers: [{{name: vllm, args: ["{{{{ .HFModelName }}}}"], mountModelVolume: true}}]
"""


def imported(place: Path, *further: str) -> Any:
    files = {"base.yaml": BASE, "a.yaml": modelservice("alpha"), "b.yaml": modelservice("beta")}
    write_files(place, files)
    return run(place, "import", "modelservice", "a.yaml", "b.yaml", *further)


def test_two_modelservices_share_a_preset(tmp_path: Path) -> None:
    assert imported(tmp_path, "--baseconfig", "base.yaml").status == 0
    preset = yaml.safe_load((tmp_path / "presets/shared-base.yaml").read_text())
    engine = preset["spec"]["roles"]["decode"]["engine"]
    assert engine["image"] == "ghcr.io/acme/vllm:v0.26.0"
    assert engine["argv"] == ["--served-model-name", "${model.name}"]
    picker = preset["spec"]["extraObjects"]["eppDeployment"]
    assert picker["metadata"]["name"] == "${metadata.name}-epp"
    for name in ("alpha", "beta"):
        model = yaml.safe_load((tmp_path / f"models/{name}.yaml").read_text())
        assert model["extends"] == ["shared-base"]
        assert "extraObjects" not in model["spec"]


def test_each_compiles_to_its_own_objects(tmp_path: Path) -> None:
    imported(tmp_path, "--baseconfig", "base.yaml")
    assert run(tmp_path, "compile").status == 0
    for name in ("alpha", "beta"):
        objects = {
            (each["kind"], each["metadata"]["name"]): each
            for each in built(tmp_path / "generated" / name / "base")
        }
        pod = objects["Deployment", f"{name}-decode"]["spec"]["template"]["spec"]
        assert pod["containers"][0]["args"] == [
            f"acme/{name}",
            "--served-model-name",
            f"acme/{name}",
        ]
        assert pod["serviceAccountName"] == f"{name}-sa"
        assert objects["Deployment", f"{name}-epp"]


def test_a_baseconfig_that_was_not_given_is_told(tmp_path: Path) -> None:
    ran = imported(tmp_path, "--as-is")
    assert ran.stderr.count("warning[I847]: the BaseConfig `shared-base`") == 2


def test_another_baseconfig_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"base.yaml": BASE, "a.yaml": modelservice("alpha", "other-base")})
    ran = run(tmp_path, "import", "modelservice", "a.yaml", "--baseconfig", "base.yaml")
    assert (
        "the BaseConfig `other-base` of `alpha` was not given: `shared-base` is taken" in ran.stderr
    )
