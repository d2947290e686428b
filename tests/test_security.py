"""What somebody who can open a pull request cannot do. docs/security.md lists it, test by test."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from any_repository import any_repository
from modelmill import console, yamltext
from modelmill.cachefile import FOLDER
from modelmill.importers.llmisvc.reading import read as read_services
from modelmill.publishing import messages
from modelmill.validation.crds import source
from modelmill.validation.schemas import Kind
from support import (
    PROJECT,
    ROOT,
    SMALL,
    built,
    compiled,
    model,
    overlay,
    run,
    run_apart,
    texts_below,
    write_files,
)
from test_hostile import DOCUMENTS, PYTHON, changed, places

PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`((?:tests|conformance)/[\w/]+\.py)::(\w+)`").findall
TOKEN = "hf_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b"

# The page


def test_every_line_of_the_page_names_a_test_that_exists() -> None:
    lines = [each for each in PAGE.read_text().splitlines() if each.startswith("| ")]
    rows = [each for each in lines if not each.startswith(("| A pull request", "| It can"))]
    assert len(rows) > 30
    for row in rows:
        named = NAMED(row)
        assert named, row
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


# What a compile touches

WATCHED = """
import os, sys
told = []
def hook(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn")):
        told.append(event)
    elif event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        told.append(f"write {arguments[0]}")
from modelmill import cli
import modelmill.commands.compile, modelmill.commands.lint, modelmill.commands.explain
sys.addaudithook(hook)
for argv in (["lint"], ["compile", "-j", "1"], ["compile", "--check"], ["explain", "tiny"],
             ["render", "tiny", "-e", "prod"]):
    assert cli.run(["-C", sys.argv[1], *argv]) == 0, argv
print("\\n".join(each for each in told if "__pycache__" not in each), file=sys.stderr)
print("WATCHED", file=sys.stderr)
"""


def test_a_compile_asks_no_network_starts_nothing_and_writes_below_generated(
    tmp_path: Path,
) -> None:
    write_files(tmp_path, SMALL)
    argv = [sys.executable, "-B", "-c", WATCHED, str(tmp_path)]
    ran = subprocess.run(argv, capture_output=True, encoding="utf-8", check=False)
    assert "WATCHED" in ran.stderr, ran.stderr
    told = ran.stderr.partition("WATCHED")[0].splitlines()
    doubted = [each for each in told if each.startswith(("socket.", "subprocess", "os.", "write "))]
    # What is written is told by its name in an open folder of generated/.
    files = {Path(each).name for each in texts_below(tmp_path, "generated")}
    folders = {each.name for each in (tmp_path / "generated").rglob("*") if each.is_dir()}
    known = {f"write {name}" for name in (*files, *folders, "generated", ".modelmill-unfinished")}
    # And the user's cache, which is elsewhere; the disk is asked for its time by a file of no name.
    cache = os.environ[FOLDER]
    doubted = [
        each for each in doubted if not each.startswith(f"write {cache}") and each != "write ."
    ]
    assert set(doubted) <= known


# Names and paths

NO_NAMES = [".", "..", "../x", "a/b", "/etc", "A", "a_b", "a\nb", "-x", "x-", "a" * 64, "é", "${x}"]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_a_name_is_one_label_and_leads_nowhere(name: str, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    for path in ("models/tiny.yaml", "overlays/prod/environment.yaml"):
        write_files(root, changed(path, ("metadata", "name"), name))
        written = set(tmp_path.rglob("*"))
        assert run(root, "compile").status == 1
        assert set(tmp_path.rglob("*")) == written


@pytest.mark.parametrize(
    "folder", ["..", "../x", "/tmp/x", ".git", "a/../../x", ".", "", "models", "models/x"]
)
def test_generated_is_a_folder_of_its_own_inside_the_repository(
    folder: str, tmp_path: Path
) -> None:
    root = write_files(tmp_path / "r", SMALL)
    (root / "modelmill.yaml").write_text(f"{PROJECT}paths: {{generated: '{folder}'}}\n")
    before = texts_below(tmp_path, ".")
    ran = run(root, "compile", "--format", "text")
    assert ran.status == 1
    assert "error[N205]" in ran.stderr or "error[S" in ran.stderr
    assert texts_below(tmp_path, ".") == before


@pytest.mark.parametrize("path", ["../../models/tiny.yaml", "/etc/passwd", "a/../../x", "..", ""])
def test_a_ledger_deletes_nothing_outside_of_its_unit(path: str, tmp_path: Path) -> None:
    """One that says a file of somebody else's is ours, of a unit that is to go."""
    write_files(tmp_path, SMALL)
    compiled(tmp_path)
    ledger = tmp_path / "generated/gone/modelmill.json"
    ledger.parent.mkdir()
    known = json.loads((tmp_path / "generated/tiny/modelmill.json").read_text())
    ledger.write_text(json.dumps({**known, "files": {path: "sha256:0000000000000000"}}))
    compiled(tmp_path)
    assert (tmp_path / "models/tiny.yaml").exists()
    assert run(tmp_path, "lint").status == 0


@pytest.mark.parametrize(
    "entry",
    ["sha256:0", "latest", "sha512:" + "0" * 128, "x@sha256:" + "0" * 64, "sha256:" + "G" * 64],
)
def test_a_lock_pins_to_digests_and_nothing_else(entry: str, tmp_path: Path) -> None:
    lock = (
        f"apiVersion: modelmill.dev/v1alpha1\nkind: Lock\nimages: {{ghcr.io/a/b:v1: '{entry}'}}\n"
    )
    write_files(tmp_path, {**SMALL, "modelmill.lock": lock + "models: {}\n"})
    ran = run(tmp_path, "compile")
    assert ran.status == 1
    assert "modelmill.lock:3:" in ran.stderr


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("../../x/v1", "A"),
        ("x/../v1", "A"),
        ("x/v1", "../../A"),
        ("x@evil/v1", "A"),
        ("a?b/v1", "A"),
    ],
)
def test_an_object_does_not_say_where_its_schema_is_looked_for(
    version: str, kind: str, tmp_path: Path
) -> None:
    for place in ("https://127.0.0.1:1/{{.Group}}/{{.ResourceKind}}.json", "s/{{.Group}}.json"):
        assert source(tmp_path, place, "1.33", None)(Kind(version, kind)) is None


def test_a_pattern_of_a_kustomization_takes_no_time(tmp_path: Path) -> None:
    """RE2 reads it, or nobody."""
    kustomization = {
        "resources": ["a.yaml"],
        "patches": [{"target": {"name": "(a+)+$"}, "patch": "- {op: remove, path: /data}"}],
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a" * 40 + "b"}}
    write_files(
        tmp_path,
        {"kustomization.yaml": yamltext.dump(kustomization), "a.yaml": yamltext.dump(config)},
    )
    assert run(tmp_path, "validate", ".", "--format", "text").status == 1


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "NaN", "9" * 10_000])
def test_a_trailer_is_read_or_left_out(body: str) -> None:
    data = json.dumps({"drySha": "0" * 40}).encode()
    assert messages.recorded(data) == "0" * 40
    assert messages.recorded(body.encode()) is None


# Importers


@pytest.mark.parametrize(
    "metadata", ["5", "true", "[a]", "{name: [a]}", "{name: a, namespace: {x: 1}}"]
)
def test_a_service_of_any_form_is_told(metadata: str) -> None:
    for refs in ("[{}]", "[{name: ''}]", "[{name: x}]"):
        text = (
            "apiVersion: serving.kserve.io/v1alpha1\nkind: LLMInferenceService\n"
            f"metadata: {metadata}\nspec: {{baseRefs: {refs}, model: {{uri: hf://a/b}}}}\n"
        )
        given = read_services([("s.yaml", text.encode())])
        assert all(each.metadata is not None for each in given.services)
        if refs != "[{name: x}]":
            assert "names no configuration" in repr(given.findings)


@pytest.mark.parametrize(
    "lacking", ["containers: [{}]", "containers: [{name: a, env: [{}]}]", "containers: []"]
)
def test_what_the_operator_makes_without_names_is_told(lacking: str, tmp_path: Path) -> None:
    service = (
        "apiVersion: llm-d.ai/v1alpha1\nkind: ModelService\nmetadata: {name: tiny}\n"
        "spec:\n  routing: {modelName: a/b, ports: [{name: app, port: 8000}]}\n"
        "  modelArtifacts: {uri: hf://a/b}\n"
        f"  decode: {{{lacking}}}\n"
    )
    write_files(tmp_path, {"s.yaml": service})
    ran = run(tmp_path, "import", "modelservice", "s.yaml", "--stdout", "--format", "text")
    assert ran.status in (0, 1)
    assert "internal error" not in ran.stderr


def test_two_objects_of_one_name_are_told_before_they_are_mixed_up(tmp_path: Path) -> None:
    """The operator cuts names: those of both roles may come out alike."""
    service = (
        f"apiVersion: llm-d.ai/v1alpha1\nkind: ModelService\nmetadata: {{name: {'a' * 70}}}\n"
        "spec:\n  routing: {modelName: a/b, ports: [{name: app, port: 8000}]}\n"
        "  modelArtifacts: {uri: hf://a/b}\n"
        "  decode: {containers: [{name: vllm, image: 'x:v1'}]}\n  prefill: {replicas: 1}\n"
    )
    write_files(tmp_path, {"s.yaml": service})
    command = ["import", "modelservice", "s.yaml", "--as-is", "--stdout", "--format", "text"]
    ran = run(tmp_path, *command)
    assert ran.status == 1
    assert "makes two objects" in ran.stderr


@pytest.mark.parametrize("name", ["[a]", "{b: c}", "[[a], {b: [c]}]"])
def test_what_is_no_name_is_told_without_words_of_python(name: str, tmp_path: Path) -> None:
    """Where a word is due, a list may stand; what is told of it is the same each time."""
    service = (
        "apiVersion: llm-d.ai/v1alpha1\nkind: ModelService\n"
        f"metadata: {{name: {name}}}\nspec: {{baseConfigMapRef: {{name: {name}}}}}\n"
    )
    kserve = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {name}}}\n"
    write_files(tmp_path, {"s.yaml": service, "k.yaml": f"{kserve}---\nkind: {name}\n"})
    base = ["--baseconfig", "k.yaml", "--stdout"]
    commands = [
        ["import", "modelservice", "s.yaml", *base],
        ["import", "llmisvc", "k.yaml", "--stdout"],
    ]
    for command in [*commands, ["validate", "s.yaml", "k.yaml"]]:
        first, second = run(tmp_path, *command), run(tmp_path, *command)
        assert first == second
        assert first.status in (0, 1)
        assert not PYTHON.search(first.stdout + first.stderr)


# Secrets

STRINGS = [
    (file, path)
    for file, document in DOCUMENTS.items()
    for path in places(document)
    if path[0] not in ("apiVersion", "kind")
]
COMMANDS = ("lint", "compile -j 1", "explain tiny", "render tiny -e prod", "impact", "validate")


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(STRINGS),
    st.sampled_from(COMMANDS),
    st.sampled_from(console.FORMATS),
    st.booleans(),
)
def test_a_token_at_any_place_is_in_no_output(
    place: tuple[str, tuple[Any, ...]], command: str, form: str, as_key: bool
) -> None:
    with TemporaryDirectory() as folder:
        value = {TOKEN: "x"} if as_key else TOKEN
        root = write_files(Path(folder), changed(*place, value))
        words = command.split()
        if words[0] in ("lint", "compile", "validate"):
            words += ["--format", form]
        ran = run(root, *words)
        assert ran.status in (0, 1, 2)
        assert TOKEN not in ran.stdout + ran.stderr
        for text in texts_below(root, "generated").values():
            assert TOKEN.encode() not in text


def test_a_token_in_an_edit_is_in_no_diff(tmp_path: Path) -> None:
    write_files(tmp_path, SMALL)
    compiled(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for argv in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run([*git, *argv], check=True, capture_output=True)
    text = model("tiny", f"engine: {{env: {{A: {TOKEN}}}}}", "[sim]")
    write_files(tmp_path, {"models/tiny.yaml": text})
    for form in ("text", "markdown", "json"):
        ran = run(tmp_path, "diff", "--format", form)
        assert TOKEN not in ran.stdout + ran.stderr


# Any repository


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_repository())
def test_any_repository_is_answered_and_answered_alike(texts: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        root = write_files(Path(folder), texts)
        first = run(root, "compile", "-j", "1")
        made = texts_below(root, "generated")
        assert first.status in (0, 1), first.stderr
        assert folder not in first.stdout + first.stderr
        again = run(root, "compile", "-j", "1")
        assert (again.status, texts_below(root, "generated")) == (first.status, made)
        if first.status == 0:
            for place in sorted((root / "generated/tiny").glob("*/kustomization.yaml"))[:2]:
                assert built(place.parent) is not None


def test_what_the_environment_says_is_in_no_output(tmp_path: Path) -> None:
    write_files(tmp_path, SMALL)
    ran = run_apart(tmp_path, "compile", environ={"HF_TOKEN": TOKEN, "MODELMILL_X": TOKEN})
    assert ran.status == 0, ran.stderr
    everything = b"".join(texts_below(tmp_path, "generated").values())
    assert TOKEN not in ran.stdout + ran.stderr + everything.decode()


def test_an_environment_cannot_stand_for_another(tmp_path: Path) -> None:
    """Two folders that say they are one environment: neither wins by the order of their names."""
    write_files(tmp_path, {**SMALL, "overlays/a/environment.yaml": overlay("prod")})
    assert run(tmp_path, "compile").status == 1
