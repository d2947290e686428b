"""A fresh repository, from nothing to generated/, by the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from modelmill import library
from modelmill.schema import KINDS, schema_of, schema_text
from modelmill.validation.crds import schemas_in
from modelmill.validation.schema import Schema
from modelmill.validation.schemas import Kind, Schemas, custom_kinds, kubernetes_versions
from modelmill.validation.vendored import vendored
from support import Ran, run_apart, texts_below


def modelmill(folder: Path, *arguments: str) -> Ran:
    return run_apart(folder, *arguments, environ={"GITHUB_ACTIONS": ""})


def ran(folder: Path, *arguments: str) -> Ran:
    done = modelmill(folder, *arguments)
    assert done.status == 0, done.stderr + done.stdout
    return done


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    ran(tmp_path, "init")
    return tmp_path


def files_below(folder: Path) -> dict[str, bytes]:
    return texts_below(folder, ".")


def extends_of(path: Path) -> list[str]:
    extends: list[str] = yaml.safe_load(path.read_text())["extends"]
    return extends


def presets_file(repo: Path, name: str, spec: str) -> None:
    head = "apiVersion: modelmill.dev/v1alpha1\nkind: Preset\n"
    path = repo / "presets" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{head}metadata: {{name: {name}}}\nspec: {spec}\n")


def without_presets(repo: Path) -> None:
    shutil.rmtree(repo / "presets")


def test_init_new_compile_lint(repo: Path) -> None:
    assert ran(repo, "new", "hello").stdout == "models/hello.yaml\n"
    compiled = ran(repo, "compile")
    assert compiled.stdout == ""
    assert (repo / "generated/hello/overlays/dev/kustomization.yaml").is_file()
    assert (repo / "generated/_environments/dev/namespace-llm-dev.yaml").is_file()
    ran(repo, "compile", "--check")
    clean = ran(repo, "lint")
    assert clean.stdout + clean.stderr == ""


def test_init_writes_the_library_and_the_schemas(repo: Path) -> None:
    written = files_below(repo)
    for path, text in library.presets().items():
        assert written.pop(f"presets/{path}") == text.encode()
    for name in KINDS:
        assert written.pop(f"schemas/{name}.json") == schema_text(name).encode()
    locked = yaml.safe_load(written.pop("modelmill.lock"))["library"]["presets"]
    assert len(locked) == len(library.presets())
    assert sorted(written) == [".gitattributes", "modelmill.yaml", "overlays/dev/environment.yaml"]
    assert written[".gitattributes"] == b"generated/** linguist-generated=true text eol=lf\n"


def test_every_first_line_leads_to_the_schema_that_the_file_meets(repo: Path) -> None:
    ran(repo, "new", "hello")
    ran(repo, "new", "deeper", "--path", "models/team/search")
    paths = [repo / "modelmill.yaml", *repo.glob("overlays/*/*"), *repo.glob("models/**/*.yaml")]
    assert len(paths) == 4
    for path in paths:
        first, _, rest = path.read_text().partition("\n")
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix)
        document = yaml.safe_load(rest)
        schema = (path.parent / first.removeprefix(prefix)).resolve()
        assert schema == repo / "schemas" / f"{document['kind'].lower()}.json"
        Draft202012Validator(schema_of(schema.stem)).validate(document)


def test_init_says_what_comes_next_on_stderr(tmp_path: Path) -> None:
    done = ran(tmp_path, "init", "fresh")
    assert done.stdout == ""
    for line in ("cd fresh", "git init", "modelmill new NAME", "modelmill compile", "repos:"):
        assert line in done.stderr
    (tmp_path / "fresh" / ".git").mkdir()
    assert "git init" not in ran(tmp_path, "init", "fresh").stderr


def test_init_hands_over_the_schemas_that_validate_goes_by(tmp_path: Path) -> None:
    ran(tmp_path, "init", "--crds")
    ran(tmp_path, "new", "hello")
    ran(tmp_path, "compile")
    ran(tmp_path, "validate")
    pool = tmp_path / "schemas/crds/inference.networking.k8s.io_inferencepool.json"
    schema = json.loads(pool.read_text())
    (version,) = schema["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["required"] = ["ours"]
    pool.write_text(json.dumps(schema))
    refused = modelmill(tmp_path, "validate")
    assert refused.status == 1
    assert "`ours`" in refused.stdout + refused.stderr


def test_schemas_are_handed_over_as_they_ship(tmp_path: Path) -> None:
    shipped = Schemas(kubernetes_versions()[-1])
    kinds: dict[Kind, Schema] = {}
    for name, text in vendored().items():
        (tmp_path / name).write_text(text)
        kinds |= schemas_in(tmp_path, name, shipped.kubernetes)
    assert {str(kind) for kind in kinds} == set(custom_kinds())
    assert all(shipped.find(kind) == schema for kind, schema in kinds.items())


def test_a_repository_that_exists_is_told_how_to_use_schemas(repo: Path) -> None:
    line = "add to modelmill.yaml: validation: {schemas: [schemas/crds]}"
    assert line in ran(repo, "init", "--crds").stderr
    settings = repo / "modelmill.yaml"
    settings.write_text(settings.read_text() + "validation: {schemas: [schemas/crds]}\n")
    assert line not in ran(repo, "init", "--crds").stderr


def test_init_twice_changes_nothing(repo: Path) -> None:
    (repo / "modelmill.yaml").write_text((repo / "modelmill.yaml").read_text() + "# ours\n")
    before = files_below(repo)
    again = ran(repo, "init")
    assert files_below(repo) == before
    assert "wrote" not in again.stderr
    for path in before:
        assert f"left  {path}, which exists" in again.stderr


def test_init_keeps_to_the_folders_of_a_repository_that_exists(tmp_path: Path) -> None:
    (tmp_path / "modelmill.yaml").write_text(
        "apiVersion: modelmill.dev/v1alpha1\nkind: Project\nversions: {set: llm-d-v0.9}\n"
        "paths: {presets: lib/presets, generated: out}\n"
    )
    prod = tmp_path / "overlays/prod/environment.yaml"
    prod.parent.mkdir(parents=True)
    prod.write_text(
        "apiVersion: modelmill.dev/v1alpha1\nkind: Overlay\nmetadata: {name: prod}\n"
        "namespace: llm\n"
    )
    (tmp_path / ".gitattributes").write_text("*.bin binary\n")
    (tmp_path / "lib/presets").mkdir(parents=True)
    name = yaml.safe_load(next(iter(library.presets().values())))["metadata"]["name"]
    head = "apiVersion: modelmill.dev/v1alpha1\nkind: Preset\n"
    (tmp_path / "lib/presets/mine.yaml").write_text(
        f"{head}metadata: {{name: {name}}}\nspec: {{}}\n"
    )
    done = ran(tmp_path, "init")
    assert not (tmp_path / "presets").exists()
    assert not (tmp_path / "overlays/dev").exists()
    vendored = len(list((tmp_path / "lib/presets").rglob("*.yaml")))
    assert vendored == len(library.presets()), "the preset of that name is ours already"
    assert "add to .gitattributes: out/** linguist-generated=true" in done.stderr
    assert (tmp_path / ".gitattributes").read_text() == "*.bin binary\n"


def test_init_does_not_start_a_repository_inside_another(repo: Path) -> None:
    refused = modelmill(repo, "init", "models/inner")
    assert refused.status == 2
    assert not (repo / "models").exists()


def test_init_does_not_write_through_a_link(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "repo"
    outside.mkdir()
    inside.mkdir()
    (inside / "presets").symlink_to(outside)
    refused = modelmill(inside, "init")
    assert refused.status == 1
    assert "a link leads out of the repository" in refused.stderr
    assert list(outside.iterdir()) == []


def test_new_takes_its_presets_by_what_they_set(repo: Path) -> None:
    without_presets(repo)
    presets_file(repo, "zebra", "{accelerator: {name: x, vendor: acme, resource: acme.com/gpu}}")
    presets_file(repo, "aardvark", "{engine: {args: {max-model-len: 10}}}")
    presets_file(repo, "yak", "{engine: {type: vllm, version: v0.26.0, image: 'a/b:1'}}")
    ran(repo, "new", "hello")
    assert extends_of(repo / "models/hello.yaml") == ["yak", "zebra"]
    ran(repo, "lint")


def test_new_does_as_its_neighbours_do(repo: Path) -> None:
    ran(repo, "new", "first")
    likeliest = extends_of(repo / "models/first.yaml")
    ran(repo, "new", "second", "--preset", "sglang", "--preset", "nvidia-h200")
    ran(repo, "new", "third", "--preset", "sglang", "--preset", "nvidia-h200")
    ran(repo, "new", "fourth")
    assert "vllm" in likeliest
    assert extends_of(repo / "models/fourth.yaml")[:2] == ["sglang", "nvidia-h200"]
    ran(repo, "lint")


def test_new_keeps_the_order_of_given_presets_and_adds_what_they_lack(repo: Path) -> None:
    ran(repo, "new", "hello", "--preset", "prefill-decode")
    extends = extends_of(repo / "models/hello.yaml")
    assert extends[0] == "vllm"
    assert extends[-1] == "prefill-decode"
    assert len(extends) == 3
    assert (
        "decode: {replicas: 1}, prefill: {replicas: 1}" in (repo / "models/hello.yaml").read_text()
    )
    ran(repo, "lint")


def test_new_starts_from_pods_on_one_host(repo: Path) -> None:
    """Of the patterns in the library, the one of which least is said."""
    ran(repo, "new", "hello")
    assert extends_of(repo / "models/hello.yaml")[-1] == "single-host"


def test_new_skips_a_choice_that_does_not_compile(repo: Path) -> None:
    without_presets(repo)
    presets_file(repo, "a", "{engine: {type: vllm}}")
    presets_file(repo, "b", "{engine: {type: vllm, version: v0.26.0, image: 'a/b:1'}}")
    presets_file(repo, "c", "{accelerator: {name: cpu}}")
    ran(repo, "new", "hello")
    assert extends_of(repo / "models/hello.yaml") == ["b", "c"]


def test_new_without_any_engine_says_what_is_missing(repo: Path) -> None:
    without_presets(repo)
    done = ran(repo, "new", "hello")
    assert "it does not compile yet: `modelmill lint models/hello.yaml`" in done.stderr
    assert modelmill(repo, "lint", "models/hello.yaml").status == 1


@pytest.mark.parametrize("name", ["on", "null", "1e3", "123", "no", "0x1f"])
def test_new_quotes_names_that_yaml_reads_as_something_else(repo: Path, name: str) -> None:
    ran(repo, "new", name)
    ran(repo, "compile")
    assert (repo / "generated" / name).is_dir()


@pytest.mark.parametrize("name", ["Bad_Name", "a.b", "a" * 64, "-a", "a/../b"])
def test_new_refuses_a_bad_name(repo: Path, name: str) -> None:
    refused = modelmill(repo, "new", "--", name)
    assert refused.status == 1
    assert "error[S405]: `name` must be a DNS label" in refused.stderr
    assert not (repo / "models").exists()


def test_new_never_overwrites(repo: Path) -> None:
    ran(repo, "new", "hello")
    path = repo / "models/hello.yaml"
    path.write_text(path.read_text().replace("name: hello", "name: other"))
    before = path.read_bytes()
    assert modelmill(repo, "new", "hello").status == 2
    refused = modelmill(repo, "new", "other", "--path", "models/elsewhere")
    assert refused.status == 1
    assert "error[N202]: there is a Model named `other` already" in refused.stderr
    assert "models/hello.yaml:5:9: note: it is here" in refused.stderr
    assert path.read_bytes() == before
    assert not (repo / "models/elsewhere").exists()


@pytest.mark.parametrize("path", ["../x.yaml", "presets/x.yaml", "models/../x.yaml"])
def test_new_writes_only_below_the_models_folder(repo: Path, path: str) -> None:
    before = files_below(repo)
    assert modelmill(repo, "new", "hello", "--path", path).status == 2
    assert files_below(repo) == before


def test_new_takes_the_served_name_from_the_weights(repo: Path) -> None:
    ran(repo, "new", "a", "--uri", "hf://meta-llama/Llama-3.1-8B")
    ran(repo, "new", "b", "--uri", "oci://ghcr.io/acme/llama:1.0")
    names = [yaml.safe_load((repo / f"models/{n}.yaml").read_text())["spec"]["model"] for n in "ab"]
    assert [each["name"] for each in names] == ["meta-llama/Llama-3.1-8B", "b"]
    refused = modelmill(repo, "new", "c", "--uri", "meta-llama/Llama-3.1-8B")
    assert "has no scheme" in refused.stderr
    assert refused.status == 1
    assert ran(repo, "compile").status == 0


def test_new_suggests_the_preset_that_was_meant(repo: Path) -> None:
    refused = modelmill(repo, "new", "hello", "--preset", "vlm")
    assert refused.status == 2
    assert "did you mean `vllm`?" in refused.stderr


@pytest.mark.parametrize("name", KINDS)
def test_schema_prints_one(tmp_path: Path, name: str) -> None:
    assert ran(tmp_path, "schema", name).stdout == schema_text(name)


def test_schema_writes_all(tmp_path: Path) -> None:
    ran(tmp_path, "schema", "--write")
    ran(tmp_path, "schema", "--write", "elsewhere")
    wanted = {f"{name}.json": schema_text(name).encode() for name in KINDS}
    assert files_below(tmp_path / "schemas") == wanted
    assert files_below(tmp_path / "elsewhere") == wanted
    assert f"0 of {len(KINDS)}" in ran(tmp_path, "schema", "--write").stderr


def test_schema_asks_for_one_or_the_other(tmp_path: Path) -> None:
    assert modelmill(tmp_path, "schema").status == 2
    assert modelmill(tmp_path, "schema", "model", "--write", "x").status == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(tmp_path: Path, shell: str) -> None:
    script = ran(tmp_path, "completion", shell).stdout
    assert f"_MODELMILL_COMPLETE={shell}_complete" in script


def test_completion_completes_commands_and_options(tmp_path: Path) -> None:
    """What bash runs when a person presses Tab after `modelmill comp`, and after `new --u`."""
    for words, count, wanted in (
        ("modelmill comp", 1, "compile"),
        ("modelmill new --u", 2, "--uri"),
    ):
        environ = {
            **os.environ,
            "_MODELMILL_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(count),
        }
        done = subprocess.run(
            [sys.executable, "-m", "modelmill"], env=environ, text=True, capture_output=True
        )
        assert wanted in done.stdout, done.stderr
