"""`modelmill upgrade`: an older library in the repository, a newer one in a folder beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from modelmill import library
from support import HEAD, PROJECT, ROOT, model, overlay, preset, run, write_files

SIM = preset(
    "sim",
    """
    engine: {type: inference-sim, version: v0.10.2, image: "ghcr.io/acme/sim:${engine.version}"}
    accelerator: {name: cpu}
    """,
)
SIZE = preset("size", "sharedMemory: 1Gi")
OLD = {"engines/sim.yaml": SIM, "size.yaml": SIZE, "old.yaml": preset("old", "sharedMemory: 2Gi")}
NEWER_SIM = SIM.replace("v0.10.2", "v0.11.0")
NEW = {
    "engines/sim.yaml": NEWER_SIM,
    "size.yaml": SIZE,
    "fresh.yaml": preset("fresh", "sharedMemory: 3Gi"),
}


def lock(presets: dict[str, str] | None) -> str:
    text = HEAD + "Lock\n"
    if presets is None:
        return text
    marks = {
        yaml.safe_load(t)["metadata"]["name"]: library.fingerprint(t) for t in presets.values()
    }
    return text + yaml.safe_dump({"library": {"version": "0.0.1", "presets": marks}})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that was started with the old library; the new one is in `shipped`."""
    write_files(tmp_path / "shipped", NEW)
    return write_files(
        tmp_path / "repository",
        {
            "modelmill.yaml": "# Ours.\n" + PROJECT,
            **{f"presets/{path}": text for path, text in OLD.items()},
            "presets/own.yaml": preset("own", "sharedMemory: 9Gi"),
            "models/tiny.yaml": model("tiny", "roles: {decode: {replicas: 2}}", "[sim, size]"),
            "models/rest.yaml": model("rest", "roles: {decode: {}}", "[sim, own]"),
            "overlays/prod/environment.yaml": overlay("prod"),
            "modelmill.lock": lock(OLD),
        },
    )


def upgrade(root: Path, *arguments: str) -> tuple[int, str]:
    ran = run(root, "upgrade", "--library", "../shipped", *arguments)
    return ran.status, ran.stdout + ran.stderr


def contents(root: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in sorted(root.rglob("*")) if each.is_file()}


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_plan_shows_everything_and_writes_nothing(root: Path) -> None:
    before = contents(root)
    status, said = upgrade(root, "--plan")
    assert status == 0
    assert "presets/engines/sim.yaml: replaced" in said
    assert "presets/fresh.yaml: new" in said
    assert "presets/old.yaml: removed" in said
    assert "spec.engine.version: v0.10.2 → v0.11.0" in said
    assert "ghcr.io/acme/sim:v0.10.2 → ghcr.io/acme/sim:v0.11.0" in said
    assert "\nrest\n" in said
    assert "\ntiny\n" in said
    assert "own.yaml" not in said
    assert contents(root) == before


def test_it_does_what_the_plan_showed(root: Path) -> None:
    status, said = upgrade(root)
    assert status == 0, said
    for path, text in NEW.items():
        assert (root / "presets" / path).read_text() == text
    assert not (root / "presets/old.yaml").exists()
    assert (root / "presets/own.yaml").exists()
    assert (
        (root / "modelmill.lock")
        .read_text()
        .endswith(
            "library:\n  presets:\n"
            + "".join(
                f"    {name}: {library.fingerprint(text)}\n"
                for name, text in (
                    ("fresh", NEW["fresh.yaml"]),
                    ("sim", NEWER_SIM),
                    ("size", SIZE),
                )
            )
        )
    )
    assert upgrade(root)[1] == "nothing to upgrade\n"
    assert run(root, "lint").stderr == ""


def test_an_edited_preset_stays_where_the_library_did_not_change_it(root: Path) -> None:
    path = root / "presets/size.yaml"
    edit(path, "1Gi", "5Gi")
    status, said = upgrade(root)
    assert status == 0
    assert "presets/size.yaml: kept: edited here, unchanged in the library" in said
    assert "5Gi" in path.read_text()
    # A later library that changes it is in conflict with the edit.
    (root.parent / "shipped/size.yaml").write_text(SIZE.replace("1Gi", "2Gi"))
    assert "warning[G954]" in upgrade(root, "--plan")[1]


def test_a_conflict_is_told_until_somebody_decides(root: Path) -> None:
    path = root / "presets/engines/sim.yaml"
    edit(path, "name: cpu", "name: cpu-large")
    for _ in range(2):
        status, said = upgrade(root)
        assert status == 0
        assert "warning[G954]: `sim` was edited here, and the library has changed it" in said
        assert "cpu-large" in path.read_text()
    plan = upgrade(root, "--plan")[1]
    assert "-accelerator: {name: cpu-large}" in plan.replace("    ", "").replace("-  ", "-")
    mine = path.read_text()
    assert upgrade(root, "--take", "ours", "sim")[0] == 0
    assert path.read_text() == mine
    assert "G954" not in upgrade(root, "--plan")[1]
    assert upgrade(root, "--take", "theirs", "sim")[0] == 0
    assert path.read_text() == NEWER_SIM


def test_a_plan_shows_no_secret_of_an_edited_preset(root: Path) -> None:
    place = root / "presets/engines/sim.yaml"
    token = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7" + "yZ4cD6fG8h"
    env = "env: {API_KEY: k0, LONG_PASSWORD: correct horse}"
    edit(place, "type: inference-sim", f"type: inference-sim, {env}")
    place.write_text(place.read_text() + f"# {token}\n")
    for form in ("text", "markdown", "json"):
        _, said = upgrade(root, "--plan", "--format", form)
        assert "v0.11.0" in said
        assert "****" in said
        assert not [each for each in ("k0", "correct", "horse", token) if each in said]


def test_line_ends_are_no_edit(root: Path) -> None:
    path = root / "presets/engines/sim.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "presets/engines/sim.yaml: replaced" in upgrade(root, "--plan")[1]


def test_a_preset_is_known_wherever_it_was_moved(root: Path) -> None:
    (root / "presets/mine").mkdir()
    (root / "presets/engines/sim.yaml").rename(root / "presets/mine/simulator.yaml")
    assert upgrade(root)[0] == 0
    assert (root / "presets/mine/simulator.yaml").read_text() == NEWER_SIM
    assert not (root / "presets/engines/sim.yaml").exists()


def test_a_preset_that_is_gone_and_used_stays(root: Path) -> None:
    edit(root / "models/tiny.yaml", "[sim, size]", "[sim, old]")
    status, said = upgrade(root)
    assert status == 0
    assert "warning[G955]: the library has no `old` any more, and it is extended" in said
    assert "models/tiny.yaml:4:16" in said
    assert (root / "presets/old.yaml").exists()
    # From then on it is the repository's own.
    assert upgrade(root)[1] == "nothing to upgrade\n"


def test_a_new_preset_takes_nobodys_file(root: Path) -> None:
    """One that the library gave another name in the same file, while the old one is in use."""
    (root.parent / "shipped/old.yaml").write_text(preset("renamed", "sharedMemory: 2Gi"))
    edit(root / "models/tiny.yaml", "[sim, size]", "[sim, old]")
    assert upgrade(root)[0] == 0
    assert (root / "presets/old.yaml").read_text() == OLD["old.yaml"]
    assert "name: renamed" in (root / "presets/renamed.yaml").read_text()


def test_a_preset_that_is_gone_and_edited_stays(root: Path) -> None:
    edit(root / "presets/old.yaml", "2Gi", "4Gi")
    assert upgrade(root)[0] == 0
    assert (root / "presets/old.yaml").exists()


def test_a_preset_that_was_deleted_does_not_come_back(root: Path) -> None:
    (root / "presets/size.yaml").unlink()
    edit(root / "models/tiny.yaml", "[sim, size]", "[sim]")
    for _ in range(2):
        assert upgrade(root)[0] == 0
        assert not (root / "presets/size.yaml").exists()


def test_a_name_of_the_repositorys_own_is_left_alone(root: Path) -> None:
    (root.parent / "shipped/own.yaml").write_text(preset("own", "sharedMemory: 1Gi"))
    status, said = upgrade(root)
    assert status == 0
    assert "presets/own.yaml: kept: the repository's own" in said
    assert "9Gi" in (root / "presets/own.yaml").read_text()
    assert "own" not in yaml.safe_load((root / "modelmill.lock").read_text())["library"]["presets"]


def test_without_a_lock_what_differs_is_asked_about(root: Path) -> None:
    (root / "modelmill.lock").unlink()
    before = contents(root)
    status, said = upgrade(root)
    assert status == 1
    assert "error[G956]: `sim` differs from the library's" in said
    assert "`size`" not in said
    assert contents(root) == before
    assert upgrade(root, "--adopt")[0] == 0
    assert (root / "presets/engines/sim.yaml").read_text() == SIM
    assert (root / "presets/fresh.yaml").exists()
    assert upgrade(root, "--adopt")[1] == "nothing to upgrade\n"
    (root / "modelmill.lock").unlink()
    assert upgrade(root, "--take", "theirs", "sim")[0] == 0
    assert (root / "presets/engines/sim.yaml").read_text() == NEWER_SIM


def test_what_would_not_compile_is_not_written(root: Path) -> None:
    broken = NEWER_SIM.replace("extends: []", "extends: [absent]")
    (root.parent / "shipped/engines/sim.yaml").write_text(broken)
    before = contents(root)
    for arguments in ([], ["--plan"]):
        status, said = upgrade(root, *arguments)
        assert status == 1
        assert "error[R301]" in said
        assert "presets/engines/sim.yaml:" in said
        assert contents(root) == before


def test_a_library_that_is_none_is_said(root: Path) -> None:
    (root.parent / "shipped/size.yaml").write_text("a: [\n")
    assert upgrade(root)[0] == 1


def test_another_version_set_is_one_word_in_one_file(root: Path) -> None:
    plan = run(root, "upgrade", "--plan", "--to", "llm-d-v0.8", "--keep-presets")
    assert plan.status == 0
    assert "version set: llm-d-v0.9 → llm-d-v0.8" in plan.stdout
    before = contents(root)
    assert run(root, "upgrade", "--to", "llm-d-v0.8", "--keep-presets").status == 0
    text = (root / "modelmill.yaml").read_text()
    assert text == "# Ours.\n" + PROJECT.replace("llm-d-v0.9", "llm-d-v0.8")
    changed = {path for path, data in contents(root).items() if before.get(path) != data}
    assert changed == {str(root / "modelmill.yaml")}
    unknown = run(root, "upgrade", "--to", "llm-d-v0.7")
    assert unknown.status == 2
    assert "there is no version set `llm-d-v0.7`" in unknown.stderr


def test_a_plan_for_machines_and_for_pull_requests(root: Path) -> None:
    edit(root / "presets/engines/sim.yaml", "name: cpu", "name: cpu-large")
    (root.parent / "shipped/size.yaml").write_text(SIZE.replace("1Gi", "2Gi"))
    status, _ = upgrade(root, "--plan", "--format", "json")
    assert status == 0
    ran = run(root, "upgrade", "--library", "../shipped", "--plan", "--format", "json")
    document = json.loads(ran.stdout)
    acts = {each["name"]: each["act"] for each in document["presets"]}
    assert acts == {"fresh": "new", "old": "removed", "sim": "conflict", "size": "replaced"}
    assert [each["model"] for each in document["manifests"]["models"]] == ["tiny"]
    markdown = run(root, "upgrade", "--library", "../shipped", "--plan", "--format", "markdown")
    assert "````diff\n" in markdown.stdout
    assert "presets/size.yaml" in markdown.stdout


def test_what_stands_in_the_way_leaves_everything_as_it_was(root: Path) -> None:
    (root / "presets/size.yaml.modelmill-new").mkdir()
    (root.parent / "shipped/size.yaml").write_text(SIZE.replace("1Gi", "2Gi"))
    before = contents(root)
    status, said = upgrade(root)
    assert status == 1
    assert "error[O609]" in said
    assert contents(root) == before


def test_a_link_in_the_way_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("theirs")
    (root / "presets/engines/sim.yaml.modelmill-new").symlink_to(tmp_path / "secret")
    assert upgrade(root)[0] == 0
    assert (tmp_path / "secret").read_text() == "theirs"
    assert (root / "presets/engines/sim.yaml").read_text() == NEWER_SIM


def test_the_mode_of_a_file_stays(root: Path) -> None:
    (root / "presets/engines/sim.yaml").chmod(0o600)
    assert upgrade(root)[0] == 0
    assert (root / "presets/engines/sim.yaml").stat().st_mode & 0o777 == 0o600


def test_a_failure_half_way_puts_back_what_there_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(root)
    taken = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "modelmill.lock":
            raise OSError(28, "No space left on device")
        return taken(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    status, said = upgrade(root)
    assert status == 1
    assert "error[O609]: cannot write modelmill.lock" in said
    assert contents(root) == before


def test_the_library_of_an_older_wheel(tmp_path: Path) -> None:
    """The package as it was installed last year, with its presets inside: init by it, upgrade by
    this one."""
    package = tmp_path / "site/modelmill"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "compiler/modelmill", package, ignore=ignored)
    shutil.copytree(ROOT / "presets", package / "library/presets")
    engine = package / "library/presets/engines/vllm.yaml"
    current = engine.read_text()
    engine.write_text(current.replace("kind: Preset\n", "kind: Preset\n# As it was.\n"))
    root = tmp_path / "repository"
    root.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    subprocess.run(
        [sys.executable, "-m", "modelmill", "-C", str(root), "init"],
        env=environment,
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    assert "# As it was." in (root / "presets/engines/vllm.yaml").read_text()
    ran = run(root, "upgrade")
    assert "presets/engines/vllm.yaml: replaced" in ran.stderr
    assert ran.status == 0
    assert (root / "presets/engines/vllm.yaml").read_text() == current
