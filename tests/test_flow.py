"""The way of a change: edited in a clone, held by the hook, pushed, published by CI, and read by
the controllers of each environment, which get what `render` prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controllers import git, identity
from flow import CONTROLLERS, MODES, World, by_identity, fleet, indented, rendered, world
from support import ROOT, inputs_of, model, run_apart, write_files

CONTROLLERS_OWN = {"argoproj.io", "kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"}
"""API groups of the objects that bring in others."""


def assert_delivered(made: World, controller: str, project: Path) -> None:
    """Each environment's controllers bring it all that `render` prints for it, each object by one
    of them, and nothing else but what is the environment's or the controllers' own."""
    for environment, models in rendered(project).items():
        synced = made.synced(controller, environment)
        by_identity([each for objects in synced.values() for each in objects])
        for name, objects in models.items():
            assert by_identity(synced.pop(f"{name}-{environment}")) == by_identity(objects), name
        own = synced.pop(f"modelmill-{environment}-environment")
        assert "Namespace" in {each["kind"] for each in own}
        groups = {identity(each)[0] for objects in synced.values() for each in objects}
        assert groups <= CONTROLLERS_OWN


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("mode", MODES)
def test_what_controllers_read_is_what_render_prints(
    tmp_path: Path, mode: str, controller: str
) -> None:
    made = world(tmp_path, mode, fleet(MODES[mode], controller))
    clone = made.clone("person")
    project = made.project(clone)
    assert_delivered(made, controller, project)
    file = project / "models/two.yaml"
    file.write_text(file.read_text().replace("replicas: 5", "replicas: 7"))
    made.push(clone, "More of two")
    made.publish(clone)
    assert_delivered(made, controller, project)


@pytest.mark.parametrize(
    ("mode", "controller"), [("same-branch", "application-set"), ("branch-per-environment", "flux")]
)
def test_this_repositorys_models_are_delivered(tmp_path: Path, mode: str, controller: str) -> None:
    # Environments of it say themselves who delivers them; here one controller has all.
    inputs = {
        path: re.sub(r"^delivery:.*\n", "", text, flags=re.MULTILINE)
        if path.startswith("overlays/")
        else text
        for path, text in inputs_of(ROOT).items()
    }
    before, _, _ = inputs["modelmill.yaml"].partition("delivery:")
    delivery = indented(f"{MODES[mode].delivery}\n{CONTROLLERS[controller]}")
    made = world(tmp_path, mode, {**inputs, "modelmill.yaml": f"{before}delivery:\n{delivery}"})
    clone = made.clone("person")
    assert_delivered(made, controller, clone)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_model_that_is_renamed_or_deleted_is_brought_by_nothing(
    tmp_path: Path, controller: str
) -> None:
    made = world(tmp_path, "same-branch", fleet(MODES["same-branch"], controller))
    clone = made.clone("person")
    file = clone / "models/one.yaml"
    file.write_text(file.read_text().replace("one", "three"))
    file.rename(clone / "models/three.yaml")
    (clone / "models/two.yaml").unlink()
    made.push(clone, "One is three, two is gone")
    made.publish(clone)
    assert_delivered(made, controller, clone)
    assert set(rendered(clone)["prod"]) == {"three"}


@pytest.mark.parametrize(
    ("mode", "controller"),
    [
        ("same-branch", "application-set"),
        ("other-repository", "applications"),
        ("branch-per-environment", "flux"),
    ],
)
def test_the_first_model_may_come_later_and_the_last_one_go(
    tmp_path: Path, mode: str, controller: str
) -> None:
    files = fleet(MODES[mode], controller)
    models = {path: text for path, text in files.items() if path.startswith("models/")}
    made = world(tmp_path, mode, {k: files[k] for k in files.keys() - models.keys()})
    clone = made.clone("person")
    assert_delivered(made, controller, clone)
    write_files(clone, models)
    made.push(clone, "The first models")
    made.publish(clone)
    assert_delivered(made, controller, clone)
    assert set(rendered(clone)["prod"]) == {"one", "two"}
    git(clone, made.environ, "pull", "--quiet")
    for path in models:
        (clone / path).unlink()
    made.push(clone, "No models")
    made.publish(clone)
    assert_delivered(made, controller, clone)


@pytest.mark.parametrize("mode", MODES)
def test_two_who_publish_at_once_both_reach_the_controllers(tmp_path: Path, mode: str) -> None:
    made = world(tmp_path, mode, fleet(MODES[mode], "application-set"))
    clones = [made.clone(name) for name in ("ada", "grace")]
    for clone in clones:
        git(clone, made.environ, "pull", "--quiet", "--rebase")
        text = model(clone.name, "roles: {decode: {replicas: 1}}", "[sim]")
        write_files(made.project(clone), {f"models/{clone.name}.yaml": text})
        made.push(clone, f"A model of {clone.name}")
    with ThreadPoolExecutor() as pool:
        list(pool.map(made.publish, clones))
    last = made.clone("last")
    assert {"ada", "grace"} <= set(rendered(made.project(last))["prod"])
    assert_delivered(made, "application-set", made.project(last))


def test_the_hook_keeps_a_mistake_out_of_the_history(tmp_path: Path) -> None:
    scripts = Path(sys.executable).parent
    made = world(tmp_path, "same-branch", fleet(MODES["same-branch"], "flux"))
    environ = {**made.environ, "PATH": f"{scripts}:{made.environ['PATH']}"}
    clone = made.clone("person")
    advice = run_apart(tmp_path, "init", "elsewhere").stderr
    _, _, hook = advice.partition("in .pre-commit-config.yaml:\n\n")
    (clone / ".pre-commit-config.yaml").write_text(hook)
    git(clone, environ, "add", "--all")
    subprocess.run([scripts / "pre-commit", "install"], cwd=clone, env=environ, check=True)
    file = clone / "models/two.yaml"
    good = file.read_text()
    file.write_text(good.replace("replicas: 5", "replicas: many"))
    refused = commit(clone, environ)
    assert refused.returncode == 1
    assert "models/two.yaml:" in refused.stdout + refused.stderr
    assert "error[S" in refused.stdout + refused.stderr
    file.write_text(good.replace("replicas: 5", "replicas: 7"))
    assert commit(clone, environ).returncode == 0
    git(clone, environ, "push", "--quiet", "origin", "HEAD:main")
    made.publish(clone)
    assert_delivered(made, "flux", clone)


def commit(clone: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "commit", "--quiet", "--all", "--message", "Edit"],
        cwd=clone,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
