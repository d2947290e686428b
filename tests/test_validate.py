"""`modelmill validate`: what is judged, by which schemas, and at which line it is told. The wording
of each finding is in the corpus."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.validation.schemas import kubernetes_versions
from stories import GOOD, copy, stories
from support import PROJECT, ROOT, SMALL, compiled, model, overlay, preset, run, write_files

TRUE_FINDINGS = {"one-of-replaced": "V203", "worker-differs": "V203"}
"""Stories whose people declare a volume that nothing mounts."""
WIDGET = """\
apiVersion: acme.example/v1
kind: Widget
metadata: {name: a}
spec: {size: 11, colour: red}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.acme.example}
spec:
  group: acme.example
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer, maximum: 10, default: 1}
                name: {type: string}
                open: {type: object, x-kubernetes-preserve-unknown-fields: true}
                inner: {type: object, x-kubernetes-embedded-resource: true}
                items: {type: array, items: {type: string}, x-kubernetes-list-type: set}
"""


def told(root: Path, *arguments: str) -> list[dict[str, Any]]:
    """The findings of a run, as JSON has them."""
    ran = run(root, "validate", *arguments, "--format", "json")
    findings: list[dict[str, Any]] = json.loads(ran.stdout)["diagnostics"]
    assert ran.status == (1 if any(f["severity"] == "error" for f in findings) else 0)
    return findings


def codes(root: Path, *arguments: str) -> list[str]:
    return [each["code"] for each in told(root, *arguments)]


def widget(root: Path, spec: str) -> list[str]:
    """Messages about a Widget with a spec."""
    text = WIDGET.replace("spec: {size: 11, colour: red}", f"spec: {spec}")
    write_files(root, {"crds/widgets.yaml": CRD, "widget.yaml": text})
    return [each["message"] for each in told(root, "widget.yaml", "--schemas", "crds")]


def test_this_repository_is_valid() -> None:
    assert told(ROOT, "--no-build") == []


@pytest.mark.parametrize("story", stories(GOOD))
def test_nothing_that_is_emitted_has_a_finding(story: str, tmp_path: Path) -> None:
    found = set(codes(copy(GOOD / story, tmp_path), "--no-build"))
    assert found == ({TRUE_FINDINGS[story]} if story in TRUE_FINDINGS else set())


def test_what_kustomize_builds_is_what_models_compile_to(tmp_path: Path) -> None:
    root = write_files(tmp_path, SMALL)
    compiled(root)
    assert told(root, "--build") == []
    edited = root / "generated/tiny/base/deployment-tiny-decode.yaml"
    edited.write_text(edited.read_text().replace("replicas: 2", "replicas: 3"))
    (finding,) = told(root)
    assert (finding["code"], finding["path"]) == (
        "V114",
        "generated/tiny/overlays/prod/kustomization.yaml",
    )
    assert "Deployment `tiny-decode` differs at `spec.replicas`" in finding["message"]


def test_generated_objects_are_the_same_read_from_their_files(tmp_path: Path) -> None:
    root = write_files(tmp_path, SMALL)
    compiled(root)
    shutil.copytree(root / "generated", tmp_path / "elsewhere" / "of")
    assert told(tmp_path / "elsewhere", "of") == []


def test_a_folder_of_generated_stands_for_its_model(tmp_path: Path) -> None:
    odd = model("tiny", "roles: {decode: {pod: {fields: {hostnme: a}}}}", "[sim]")
    root = write_files(tmp_path, {**SMALL, "models/tiny.yaml": odd})
    compiled(root)
    (finding,) = told(root, "generated/tiny/overlays/prod")
    assert finding["path"] == "models/tiny.yaml"


@pytest.mark.parametrize(
    ("spec", "path", "quoted"),
    [
        ("pod: {fields: {hostnme: a}}", "presets/own.yaml", "hostnme: a"),
        ("container: {fields: {stdn: true}}", "presets/own.yaml", "stdn: true"),
        ("pod: {fields: {subdomain: 5}}", "presets/own.yaml", "5"),
        (
            "pod: {fields: {setHostnameAsFQDN: '${metadata.name}'}}",
            "presets/own.yaml",
            "'${metadata",
        ),
    ],
)
def test_a_finding_is_at_the_line_of_the_preset(
    tmp_path: Path, spec: str, path: str, quoted: str
) -> None:
    texts = {
        **SMALL,
        "presets/own.yaml": preset("own", spec),
        "models/tiny.yaml": model("tiny", "roles: {decode: {}}", "[sim, own]"),
    }
    (finding,) = told(write_files(tmp_path, texts), "--no-build")
    lines = texts[finding["path"]].splitlines()
    assert finding["path"] == path
    assert lines[finding["line"] - 1][finding["column"] - 1 :].startswith(quoted)
    assert any("extends `own` here" in note["message"] for note in finding["notes"])


def test_a_finding_of_one_environment_says_so(tmp_path: Path) -> None:
    texts = {
        **SMALL,
        "overlays/staging/environment.yaml": overlay(
            "staging", "roles: {decode: {pod: {fields: {hostnme: a}}}}"
        ),
    }
    (finding,) = told(write_files(tmp_path, texts), "--no-build")
    assert finding["path"] == "overlays/staging/environment.yaml"
    assert "in the environment `staging`" in [note["message"] for note in finding["notes"]]
    assert told(tmp_path, "--no-build", "-e", "prod") == []
    assert len(told(tmp_path, "--no-build", "-m", "tiny", "-e", "staging")) == 1


def test_what_does_not_compile_is_told_as_lint_tells_it(tmp_path: Path) -> None:
    broken = model("tiny", "roles: {decode: {replicas: many}}", "[sim]")
    root = write_files(tmp_path, {**SMALL, "models/tiny.yaml": broken})
    assert run(root, "validate").stderr.split("\n", 1)[1].startswith(run(root, "lint").stderr[:60])
    assert run(root, "validate").status == 1


def test_models_are_validated_the_same_by_many_processes(tmp_path: Path) -> None:
    texts = dict(SMALL)
    for number in range(120):
        spec = f"roles: {{decode: {{pod: {{fields: {{hostnme: h{number}}}}}}}}}"
        texts[f"models/m{number}.yaml"] = model(f"m{number}", spec, "[sim]")
    root = write_files(tmp_path, texts)
    alone = told(root, "--no-build", "-j", "1")
    assert len(alone) == 120
    assert told(root, "--no-build", "-j", "2") == alone


def test_options_that_cannot_be(tmp_path: Path) -> None:
    root = write_files(tmp_path, SMALL)
    for arguments in (
        ("-m", "tinny"),
        ("-e", "prd"),
        ("--kubernetes", "1.2"),
        ("models/tiny.yaml", "-m", "tiny"),
    ):
        assert run(root, "validate", *arguments).status == 2


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_every_format(tmp_path: Path, form: str) -> None:
    root = write_files(
        tmp_path, {"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {nme: a}\n"}
    )
    ran = run(root, "validate", "a.yaml", "--format", form)
    assert ran.status == 1
    assert "V109" in ran.stdout + ran.stderr


def test_standard_input_with_several_documents() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n---\n---\nkind: List\n"
    done = subprocess.run(
        [sys.executable, "-m", "modelmill", "validate", "-", "--format", "json"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    found = json.loads(done.stdout)["diagnostics"]
    assert [(each["code"], each["path"], each["line"]) for each in found] == [
        ("V105", "<stdin>", 4),
        ("V109", "<stdin>", 7),
    ]


def test_lists_anchors_and_merge_keys_are_read(tmp_path: Path) -> None:
    text = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: &shared {name: a, labels: {team: search}}
  - apiVersion: v1
    kind: Secret
    metadata: {<<: *shared, nam: b}
"""
    (finding,) = told(write_files(tmp_path, {"a.yaml": text}), "a.yaml")
    assert (finding["code"], finding["line"]) == ("V101", 9)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(
            f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
            for before, after in zip("abcdefg", "bcdefgh", strict=True)
        ),
        "[" * 100_000,
        "a: !!python/name:os.system x\n",
    ],
    ids=["aliases", "nesting", "tag"],
)
def test_hostile_text_ends_in_a_finding(tmp_path: Path, text: str) -> None:
    assert codes(write_files(tmp_path, {"a.yaml": text}), "a.yaml") == ["V100"]


def test_files_of_a_folder_that_are_no_manifests_are_left_out(tmp_path: Path) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
    root = write_files(tmp_path, {"d/a.yaml": account, "d/values.yaml": "replicas: 1\n"})
    ran = run(root, "validate", "d")
    assert ran.status == 0
    assert "note: d/values.yaml holds no Kubernetes object and was left out\n" in ran.stderr
    assert ran.stderr.endswith("1 object valid for Kubernetes 1.37\n")


def test_a_kind_without_a_schema_is_told_once(tmp_path: Path) -> None:
    other = WIDGET.replace("name: a", "name: b")
    root = write_files(tmp_path, {"a.yaml": f"{WIDGET}---\n{other}"})
    ran = run(root, "validate", "a.yaml")
    assert ran.status == 0
    assert "there is no schema of acme.example/v1 Widget: 2 objects checked without" in ran.stderr


@pytest.mark.parametrize("form", ["folder", "dump", "dump of JSON", "cache"])
def test_schemas_of_custom_resources(tmp_path: Path, form: str) -> None:
    crd = yaml.safe_load(CRD)
    dump = {"apiVersion": "v1", "kind": "List", "items": [crd]}
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    texts, place = {
        "folder": ({"crds/deep/widgets.yaml": CRD}, "crds"),
        "dump": ({"crds.yaml": yaml.safe_dump(dump)}, "crds.yaml"),
        "dump of JSON": ({"crds.json": json.dumps(dump)}, "crds.json"),
        "cache": (
            {"acme.example/widget_v1.json": json.dumps(schema)},
            "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
        ),
    }[form]
    root = write_files(tmp_path, {**texts, "a.yaml": WIDGET})
    assert codes(root, "a.yaml", "--schemas", place) == ["V104", "V101"]


def test_what_was_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    schema = yaml.safe_load(CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    kept = {"kept/acme.example_v1_Widget.json": json.dumps(schema)}
    root = write_files(tmp_path, {**kept, "a.yaml": WIDGET})
    url = "https://schemas.invalid/{{.Group}}/{{.ResourceKind}}.json"
    known = ("--schemas", url, "--schema-cache", str(root / "kept"))
    assert codes(root, "a.yaml", *known) == ["V104", "V101"]
    assert codes(root, "a.yaml", "--schemas", "http://schemas.invalid/x.json") == ["V112"]


def test_the_project_says_what_its_clusters_have(tmp_path: Path) -> None:
    extra = "extraObjects: {widget: " + json.dumps(yaml.safe_load(WIDGET)) + "}"
    texts = {
        **SMALL,
        "modelmill.yaml": PROJECT
        + "validation: {kubernetes: '1.34', schemas: [crds], strictKinds: true}\n",
        "crds/widgets.yaml": CRD,
        "models/tiny.yaml": model("tiny", f"roles: {{decode: {{}}}}\n{extra}", "[sim]"),
    }
    root = write_files(tmp_path, texts)
    assert codes(root, "--no-build") == ["V104", "V101"]
    assert "for Kubernetes 1.34" in run(root, "validate", "--no-build").stderr
    outside = {"modelmill.yaml": PROJECT + "validation: {schemas: [../crds]}\n"}
    assert codes(write_files(root, outside), "--no-build") == ["V112"]
    unknown = {"modelmill.yaml": PROJECT + "validation: {kubernetes: '2.0'}\n"}
    assert codes(write_files(root, unknown), "--no-build") == ["V112"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{}", None),
        ("{size: null}", None),
        ("{size: 5.0}", None),
        ("{size: 5.5}", "`size` is the number 5.5, not a whole number"),
        ("{name: 1e3}", "`name` is the number 1000, not text"),
        ("{open: {anything: {at: all}}}", None),
        ("{inner: {apiVersion: v1, kind: Pod, metadata: {name: a}}}", None),
        ("{inner: {metadata: {nme: a}}}", "`nme` is not a field of `metadata`"),
        ("{inner: {spec: {}}}", "`spec` is not a field of `inner`"),
        ("{items: [a, b, a]}", '"a" stands twice in `items`'),
        ("{items: [a, null]}", "an entry of `items` is null"),
        ("[]", "`spec` is a list, not a mapping of keys to values"),
    ],
)
def test_custom_resources_are_strict(tmp_path: Path, spec: str, message: str | None) -> None:
    found = widget(tmp_path, spec)
    assert [each for each in found if "tools disagree" not in each] == (
        [message] if message else []
    )


def test_versions_of_kubernetes_differ(tmp_path: Path) -> None:
    claim = "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a}\nspec: {}\n"
    root = write_files(tmp_path, {"a.yaml": claim})
    found = {v: codes(root, "a.yaml", "--kubernetes", v) for v in kubernetes_versions()}
    assert kubernetes_versions()[0] == "1.30"
    assert {v for v, each in found.items() if each == ["V108"]} == {"1.30", "1.31", "1.32", "1.33"}
    assert found["1.34"] == []


def test_no_kustomize_is_an_error_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODELMILL_KUSTOMIZE")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    patch = "patches: [{target: {kind: Deployment}, patch: '[]'}]\n"
    root = write_files(tmp_path / "d", {"kustomization.yaml": f"resources: []\n{patch}", **SMALL})
    assert sorted(codes(root, "kustomization.yaml")) == ["K701", "V150"]
    compiled(root)
    ran = run(root, "validate")
    assert (ran.status, "kustomize is not there" in ran.stderr) == (0, True)
    assert codes(root, "--build") == ["K701"]


def test_a_base_is_validated_as_part_of_what_takes_it_in(tmp_path: Path) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
    texts = {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": account,
        "overlays/prod/kustomization.yaml": "resources: [../../base]\ncomponents: [../../more]\n",
        "more/kustomization.yaml": "kind: Component\n"
        "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        "patches: [{target: {kind: ServiceAccount, name: a}, "
        'patch: "[{\\"op\\": \\"add\\", \\"path\\": \\"/metadata/labels\\", \\"value\\": {}}]"}]\n',
    }
    root = write_files(tmp_path, texts)
    ran = run(root, "validate", ".")
    assert (ran.status, ran.stderr) == (0, "1 object valid for Kubernetes 1.37\n")
    assert run(root, "validate", "base").stderr == "1 object valid for Kubernetes 1.37\n"


def test_a_kustomization_that_takes_in_itself(tmp_path: Path) -> None:
    texts = {
        "a/kustomization.yaml": "resources: [../b]\n",
        "b/kustomization.yaml": "resources: [../a]\n",
    }
    assert set(codes(write_files(tmp_path, texts), "a")) == {"V100"}


def test_no_word_of_a_secret_is_printed(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {token: hunter2!}\n"
    root = write_files(tmp_path, {"a.yaml": text})
    for form in ("text", "json", "github", "sarif", "junit"):
        ran = run(root, "validate", "a.yaml", "--format", form)
        assert ran.status == 1
        assert "hunter2" not in ran.stdout + ran.stderr


def test_objects_of_other_kustomizations_are_there_and_not_judged(tmp_path: Path) -> None:
    """Another one may be of another cluster, whose Gateway of the name is not this one."""
    gateway = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: gateways}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Same}}}]
"""
    route = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: llm}
spec: {parentRefs: [{name: g, namespace: gateways}]}
"""
    texts = {
        "prod/kustomization.yaml": "resources: [gateway.yaml]\n",
        "prod/gateway.yaml": gateway,
        "staging/kustomization.yaml": "resources: [route.yaml]\n",
        "staging/route.yaml": route,
    }
    root = write_files(tmp_path, texts)
    assert codes(root, "prod", "staging") == []
    assert codes(root, "prod/gateway.yaml", "staging/route.yaml") == ["V211"]
