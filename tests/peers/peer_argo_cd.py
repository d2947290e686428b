"""What is published, as Argo CD's own code takes it. Run by `make test-peers`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from asking import Ask

from controllers import Forge, Generate, Object, git, git_files, of_kind
from flow import ENVIRONMENTS, MODES, World, fleet, world
from modelmill.delivery.argo_health import config_maps
from support import ROOT, model

CONTROLLERS = ("application-set", "applications")


def published(place: Path, mode: str, controller: str) -> World:
    return world(place, mode, fleet(MODES[mode], controller))


def asked(ask: Ask, made: World, **environ: str) -> Generate:
    """The ApplicationSet controller's part, done by its own code."""

    def generate(forge: Forge, each: Object, others: Sequence[Object]) -> list[Object]:
        remote = made.place / Path(made.mode.url).name
        found = ask("applications", [each, *of_kind(others, "AppProject")], str(remote), **environ)
        played = ask("decoded", git_files(forge, each, others))["Applications"]
        assert [_told(one) for one in found] == [_told(one) for one in played]
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
        return [{**kind, **_told(one)} for one in found]

    return generate


def _told(application: Object) -> Object:
    return {key: application[key] for key in ("metadata", "spec")}


@pytest.mark.parametrize("mode", MODES)
def test_it_makes_the_applications_that_the_flow_plays(
    tmp_path: Path, ask_argo_cd: Ask, mode: str
) -> None:
    """By old and by new globs, of which the old let `*` stand for many folders."""
    made = published(tmp_path, mode, "application-set")
    for environment in ENVIRONMENTS:
        played = made.synced("application-set", environment)
        assert {f"one-{environment}", f"two-{environment}"} <= set(played)
        for globbing in ({}, {"NEW_GLOBBING": "1"}):
            generate = asked(ask_argo_cd, made, **globbing)
            assert made.synced("application-set", environment, generate) == played


def everything(made: World, controller: str, environment: str) -> dict[str, Object]:
    """Every object of Argo CD's own that comes of what is applied once, by kind and name."""
    kept: list[Object] = []

    def generate(forge: Forge, each: Object, others: Sequence[Object]) -> list[Object]:
        found = git_files(forge, each, others)
        kept.extend(found)
        return found

    synced = made.synced(controller, environment, generate)
    kept += made.applied(controller, environment)
    kept += [each for objects in synced.values() for each in objects]
    own = [each for each in kept if each["apiVersion"].startswith("argoproj.io/")]
    return {f"{each['kind']} {each['metadata']['name']}": each for each in own}


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_it_knows_every_field(tmp_path: Path, ask_argo_cd: Ask, controller: str) -> None:
    made = published(tmp_path, "same-branch", controller)
    found = everything(made, controller, "prod")
    decoded = ask_argo_cd("decoded", found.values())
    assert sum(len(each or ()) for each in decoded.values()) == len(found)


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("mode", ["same-branch", "other-repository"])
def test_projects_permit_all_that_is_synced(
    tmp_path: Path, ask_argo_cd: Ask, mode: str, controller: str
) -> None:
    made = published(tmp_path, mode, controller)
    for environment in ENVIRONMENTS:
        known = everything(made, controller, environment)
        projects = of_kind(known.values(), "AppProject")
        for name, objects in made.synced(controller, environment).items():
            file = tmp_path / "objects.yaml"
            file.write_text(yaml.safe_dump_all(objects))
            application = known[f"Application {name}"]
            assert ask_argo_cd("refused", [*projects, application], str(file)) == []


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_commit_refreshes_the_applications_of_its_files_alone(
    tmp_path: Path, ask_argo_cd: Ask, controller: str
) -> None:
    made = published(tmp_path, "same-branch", controller)
    clone = made.clone("person")

    def refreshed(path: str, old: str, new: str) -> set[str]:
        file = clone / path
        file.write_text(file.read_text().replace(old, new))
        made.push(clone, "Edit")
        made.publish(clone)
        git(clone, made.environ, "fetch", "--quiet")
        files = git(clone, made.environ, "diff", "--name-only", "HEAD", "origin/main").split()
        git(clone, made.environ, "pull", "--quiet")
        found = {
            key: each
            for environment in ENVIRONMENTS
            for key, each in everything(made, controller, environment).items()
        }
        names = ask_argo_cd("refreshed", of_kind(found.values(), "Application"), *files)
        return {name for name in names if name.startswith(("one-", "two-"))}

    # An overlay's patch, then what is in the base for both.
    assert refreshed("models/two.yaml", "replicas: 5", "replicas: 7") == {"two-prod"}
    assert refreshed("models/one.yaml", "replicas: 2", "replicas: 3") == {"one-prod", "one-staging"}


STATUSES = yaml.safe_load((ROOT / "tests/argo_health.yaml").read_text())
CASES = [
    pytest.param(key, case, id=f"{key.partition('_')[2]}: {case['why']}")
    for key, cases in STATUSES.items()
    for case in cases
]


@pytest.mark.parametrize(("key", "case"), CASES)
def test_it_judges_statuses_as_recorded(ask_argo_cd: Ask, key: str, case: Object) -> None:
    """With the argocd-cm that is generated, read as Argo CD's settings."""
    group, _, kind = key.rpartition("_")
    version = f"{group}/v1" if group else "v1"
    kept = {k: case[k] for k in ("generation",) if k in case}
    judged = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "llama", **kept},
        **{field: case[field] for field in ("spec", "status") if field in case},
    }
    settings = [each.body for each in config_maps(["argocd"])]
    *_, about = ask_argo_cd("health", [*settings, judged])
    assert about["health"] == case["is"]
    assert about.get("message", "") == case.get("says", about.get("message", ""))


@pytest.mark.parametrize(("name", "drifted"), [("scaled", []), ("one", ["Deployment one-decode"])])
def test_replicas_that_a_scaler_chose_are_no_drift(
    tmp_path: Path, ask_argo_cd: Ask, name: str, drifted: list[str]
) -> None:
    spec = "roles: {decode: {autoscaling: {by: external}}}"
    files = fleet(MODES["same-branch"], "application-set")
    files["models/scaled.yaml"] = model("scaled", spec, "[sim]")
    made = world(tmp_path, "same-branch", files)
    objects = made.synced("application-set", "prod")[f"{name}-prod"]
    live = copy.deepcopy(objects)
    (workload,) = of_kind(live, "Deployment")
    workload["spec"]["replicas"] = 7
    file = tmp_path / "live.yaml"
    file.write_text(yaml.safe_dump_all(live))
    application = everything(made, "application-set", "prod")[f"Application {name}-prod"]
    assert ask_argo_cd("drifted", [application, *objects], str(file)) == drifted
