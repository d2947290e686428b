"""KServe's samples and fixtures: imported, compiled to its resource again, and the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.kserve.merging import merge
from support import ROOT, built, run, write_files

pytestmark = pytest.mark.conformance

CONFORMANCE = ROOT.parent / "shared" / "conformance"
KSERVE = CONFORMANCE / "kserve"
SAMPLES = KSERVE / "samples"
OF_THE_PLATFORM = ("--with", str(KSERVE / "presets"), "--with", str(KSERVE / "configmap"))
SERVICE, CONFIG = "LLMInferenceService", "LLMInferenceServiceConfig"
PROJECT = """\
apiVersion: modelmill.dev/v1alpha1
kind: Project
metadata: {name: kserve}
versions: {set: llm-d-v0.9}
"""
OVERLAY = """\
apiVersion: modelmill.dev/v1alpha1
kind: Overlay
metadata: {name: e2e}
namespace: e2e
target: kserve
"""
REFUSED = {
    "kv-cache-offloading/llm-inference-service-kv-cache-offloading.yaml": (
        "25:3: error[I852]: `workload` is no field of the spec: the API server refuses it, or "
        "drops it unseen"
    ),
    "latency-predictor/llm-inference-service-latency-predictor.yaml": (
        "13:17: error[I852]: `inline` must be a mapping, not `apiVersion: llm-d.ai/v1alpha1"
    ),
    "e2e-gpt-oss/llmisvc_config_default.yaml": "35:11: error[I852]: `spec` needs `selector`",
    "e2e-gpt-oss/llmisvc_config_prefix_cache.yaml": "90:11: error[I852]: `spec` needs `selector`",
}
"""What KServe's own CRD refuses; the services beside two of them refer to these."""
UNUSABLE = ("e2e-gpt-oss/inference_default.yaml", "e2e-gpt-oss/inference_prefix_cache.yaml")
# What templates in samples and fixtures give for a service `svc` in the namespace `e2e`.
GIVES = {
    "{{ .Spec.Model.Name }}": "MODEL",
    "{{ .ObjectMeta.Namespace }}": "e2e",
    "{{ ChildName .ObjectMeta.Name `-epp-service` }}": "NAME-epp-service",
    "{{ ChildName .ObjectMeta.Name `-inference-pool` }}": "NAME-inference-pool",
    "{{ ChildName .ObjectMeta.Name `-kserve` }}": "NAME-kserve",
    "{{ ChildName .ObjectMeta.Name `-kserve-prefill` }}": "NAME-kserve-prefill",
    "{{ if .GlobalConfig.EnableTLS }}--ssl-certfile{{- end }}": "",
    "{{ if .GlobalConfig.EnableTLS }}/var/run/kserve/tls/tls.crt{{- end }}": "",
    "{{ if .GlobalConfig.EnableTLS }}--ssl-keyfile{{- end }}": "",
    "{{ if .GlobalConfig.EnableTLS }}/var/run/kserve/tls/tls.key{{- end }}": "",
}


def documents(path: Path, kind: str) -> list[Any]:
    found = list(yaml.safe_load_all(path.read_text()))
    return [each for each in found if isinstance(each, dict) and each.get("kind") == kind]


def named(paths: list[Path], kind: str) -> list[str]:
    return [str(p.relative_to(SAMPLES)) for p in paths if documents(p, kind)]


FILES = sorted(SAMPLES.rglob("*.yaml"))
SERVICES = [n for n in named(FILES, SERVICE) if n not in (*REFUSED, *UNUSABLE)]
FIXTURES = sorted(each.stem for each in (KSERVE / "e2e-fixtures").glob("*.yaml"))


def test_there_is_something_to_import() -> None:
    assert len(SERVICES) == 23
    assert len(FIXTURES) == 51
    assert {*REFUSED, *UNUSABLE} <= {*named(FILES, SERVICE), *named(FILES, CONFIG)}


def evaluated(value: Any, name: str, model: str) -> Any:
    """The document without templates, by the table above."""
    if isinstance(value, dict):
        return {key: evaluated(each, name, model) for key, each in value.items()}
    if isinstance(value, list):
        return [evaluated(each, name, model) for each in value]
    if isinstance(value, str) and "{{" in value:
        value = " ".join(value.split()) if "{{" in value and "\n" in value else value
        for template, gives in GIVES.items():
            value = value.replace(template, gives.replace("NAME", name).replace("MODEL", model))
        assert "{{" not in value, value
    return value


def imported(place: Path, *files: str, mode: str = "full") -> None:
    overlay = OVERLAY + ("kserve: {mode: thin}\n" if mode == "thin" else "")
    write_files(place, {"modelmill.yaml": PROJECT, "overlays/e2e/environment.yaml": overlay})
    ran = run(place, "import", "llmisvc", *files, *OF_THE_PLATFORM, "--namespace", "e2e")
    assert ran.status == 0, ran.stderr
    assert "I864" not in ran.stderr, ran.stderr
    compiled = run(place, "compile")
    assert compiled.status == 0, compiled.stderr


def resources(place: Path) -> list[Any]:
    units = [each for each in (place / "generated").iterdir() if each.name[0] != "_"]
    objects = [each for unit in units for each in built(unit / "overlays" / "e2e")]
    return [each for each in objects if each["kind"] == SERVICE]


def judged(place: Path, expected: list[Any], actual: list[Any]) -> str:
    paths = []
    # Further labels may be there only beside others.
    expected = [labelled(each) for each in expected]
    for name, objects in (("expected", expected), ("actual", actual)):
        paths.append(place / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump_all(objects))
    command = [sys.executable, str(CONFORMANCE / "equivalent.py"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def labelled(resource: Any) -> Any:
    metadata = resource["metadata"]
    ours = {"app.kubernetes.io/instance": metadata["name"]}
    return {**resource, "metadata": {**metadata, "labels": {**ours, **metadata.get("labels", {})}}}


@pytest.mark.parametrize("name", SERVICES)
def test_a_sample_comes_out_the_same(name: str, tmp_path: Path) -> None:
    configs = [path for path in FILES if documents(path, CONFIG)] if "gpt-oss" in name else []
    beside = [word for path in configs for word in ("--with", str(path))]
    imported(tmp_path, str(SAMPLES / name), *beside)
    expected = documents(SAMPLES / name, SERVICE)
    if configs:
        known = {c["metadata"]["name"]: c["spec"] for p in configs for c in documents(p, CONFIG)}
        expected = [over_configurations(each, known) for each in expected]
    wanted = [
        evaluated(each, each["metadata"]["name"], each["spec"]["model"]["name"])
        for each in expected
    ]
    assert judged(tmp_path, wanted, resources(tmp_path)) == "equivalent\n"


def over_configurations(service: Any, known: dict[str, Any]) -> Any:
    """The service and its configurations as one; the sample of this merges nothing but mappings and
    the container `main`."""
    spec = dict(service["spec"])
    for ref in spec.pop("baseRefs"):
        spec = merged(known[ref["name"]], spec)
    return {**service, "spec": spec}


def merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{k: merged(below[k], v) if k in below else v for k, v in above.items()}}
    if isinstance(below, list) and isinstance(above, list):
        assert [e.get("name") for e in (*below, *above)] == ["main", "main"]
        return [merged(below[0], above[0])]
    return above


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_comes_out_the_same(name: str, tmp_path: Path) -> None:
    """Through a service that says nothing but what it refers to."""
    file = KSERVE / "e2e-fixtures" / f"{name}.yaml"
    (config,) = documents(file, CONFIG)
    model = config["spec"].get("model") or {"name": "opt", "uri": "hf://facebook/opt-125m"}
    base = {"name": config["metadata"]["name"]}
    service = {**service_of(model), "spec": {"model": model, "baseRefs": [base]}}
    write_files(tmp_path, {"service.yaml": yaml.safe_dump(service)})
    imported(tmp_path, "service.yaml", "--with", str(file))
    whole = {**service, "spec": {**config["spec"], "model": model}}
    wanted = with_defaults(evaluated(whole, "svc", model["name"]))
    assert judged(tmp_path, [wanted], resources(tmp_path)) == "equivalent\n"


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_is_a_configuration_again(name: str, tmp_path: Path) -> None:
    """In mode thin a service and its configuration say together what they said."""
    file = KSERVE / "e2e-fixtures" / f"{name}.yaml"
    (config,) = documents(file, CONFIG)
    model = config["spec"].get("model") or {"name": "opt", "uri": "hf://facebook/opt-125m"}
    base = {"name": config["metadata"]["name"]}
    service = {**service_of(model), "spec": {"model": model, "baseRefs": [base]}}
    write_files(tmp_path, {"service.yaml": yaml.safe_dump(service)})
    imported(tmp_path, "service.yaml", "--with", str(file), mode="thin")
    (found,) = resources(tmp_path)
    configs = {
        each["metadata"]["name"]: each["spec"]
        for each in built(tmp_path / "generated" / "_environments" / "e2e")
        if each["kind"] == CONFIG
    }
    composed: Any = {}
    for ref in found["spec"].pop("baseRefs", []):
        composed = merge(composed, configs[ref["name"]])
    together = {**found, "spec": merge(composed, found["spec"])}
    whole = {**service, "spec": {**config["spec"], "model": model}}
    wanted = with_defaults(evaluated(whole, "svc", model["name"]))
    assert judged(tmp_path, [wanted], [together]) == "equivalent\n"


def service_of(model: Any) -> Any:
    return {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": SERVICE,
        "metadata": {"name": "svc", "namespace": "e2e"},
        "spec": {"model": model},
    }


def with_defaults(service: Any) -> Any:
    """With the one default of the CRD that fixtures leave to it and `equivalent` does not know."""
    for workload in (service["spec"], service["spec"].get("prefill") or {}):
        wva = (workload.get("scaling") or {}).get("wva")
        if wva is not None:
            wva.setdefault("variantCost", "10.0")
    return service


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_crd_refuses_is_refused(name: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "import", "llmisvc", str(SAMPLES / name), "--stdout")
    assert ran.status == 1
    assert f"{name}:{REFUSED[name]}" in ran.stderr


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_service_over_a_refused_configuration_is_not_imported(name: str, tmp_path: Path) -> None:
    configs = [word for path in FILES if documents(path, CONFIG) for word in ("--with", str(path))]
    ran = run(tmp_path, "import", "llmisvc", str(SAMPLES / name), *configs, "--stdout")
    assert ran.status == 1
    assert "kind: Model" not in ran.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_sample_needs_no_presets_of_kserve(name: str, tmp_path: Path) -> None:
    """Self-contained it compiles to plain objects, and to KServe's resource."""
    beside = ("--with", str(SAMPLES / "e2e-gpt-oss")) if "gpt-oss" in name else ()
    targets = {
        f"overlays/{target}/environment.yaml": OVERLAY.replace(
            "target: kserve", f"target: {target}"
        )
        .replace("{name: e2e}", f"{{name: {target}}}")
        .replace("namespace: e2e", f"namespace: {target}")
        for target in ("kserve", "llm-d")
    }
    write_files(tmp_path, {"modelmill.yaml": PROJECT, **targets})
    options = (*OF_THE_PLATFORM, *beside, "--namespace", "e2e", "--self-contained")
    ran = run(tmp_path, "import", "llmisvc", str(SAMPLES / name), *options)
    assert ran.status == 0, ran.stderr
    compiled = run(tmp_path, "compile")
    assert compiled.status == 0, compiled.stderr
    (unit,) = (each for each in (tmp_path / "generated").iterdir() if each.name[0] != "_")
    kinds = {each["kind"] for each in built(unit / "overlays" / "llm-d")}
    assert kinds & {"Deployment", "LeaderWorkerSet"}
    assert SERVICE in {each["kind"] for each in built(unit / "overlays" / "kserve")}
