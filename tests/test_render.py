"""`modelmill render` and `explain` of a model that cannot be shown: what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import SMALL, model, overlay, run, write_files

COMMANDS = (["render", "tiny"], ["render", "tiny", "-e", "prod"], ["explain", "tiny"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(model("tiny", "replica: 2", "[sim]"), "S401", id="a-key-misspelt"),
        pytest.param(model("tiny", "{}", "[simm]"), "R301", id="a-preset-misspelt"),
        pytest.param(
            model("tiny", "roles: {decode: {replicas: '${none}'}}", "[sim]"),
            "R304",
            id="a-reference-to-nothing",
        ),
    ],
)
def test_a_model_with_faults_is_answered_with_them(
    tmp_path: Path, command: list[str], text: str, code: str
) -> None:
    ran = run(write_files(tmp_path, {**SMALL, "models/tiny.yaml": text}), *command)
    assert (ran.status, ran.stdout) == (1, "")
    assert f"error[{code}]" in ran.stderr
    assert "models/tiny.yaml:" in ran.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_faults_of_another_file_do_not_stand_in_the_way(tmp_path: Path, command: list[str]) -> None:
    broken = model("broken", "replica: 2", "[sim]")
    ran = run(write_files(tmp_path, {**SMALL, "models/broken.yaml": broken}), *command)
    assert (ran.status, ran.stderr) == (0, "")


def test_a_base_that_environments_complete_is_rendered_in_one(tmp_path: Path) -> None:
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", "roles: {decode: {}}"),
        "overlays/prod/environment.yaml": overlay("prod", extends="[sim]"),
    }
    root = write_files(tmp_path, texts)
    alone, inside = run(root, "render", "tiny"), run(root, "render", "tiny", "-e", "prod")
    assert (alone.status, inside.status) == (1, 0)
    assert "error[C501]" in alone.stderr
    assert "kind: Deployment" in inside.stdout
