"""A repository on its way to clusters: edited in clones, pushed, published, read by controllers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from controllers import (
    Forge,
    Generate,
    Object,
    argo_cd,
    flux,
    git,
    git_files,
    identity,
)
from modelmill.repository import index
from modelmill.resolve import environments_of
from modelmill.sources import read_sources
from support import PROJECT, SIM, Ran, built, model, overlay, run, run_apart, write_files

REMOTE = "https://github.com/acme/models.git"
RENDERED = "https://github.com/acme/rendered.git"
ENVIRONMENTS = ("prod", "staging")
CONTROLLERS = {
    "application-set": "argoCD: {}",
    "applications": "argoCD: {applications: Application}",
    "flux": "flux: {}",
}


class Mode(NamedTuple):
    """Where what is published can be read.

    delivery  settings of `delivery`
    folder    of the sources' repository that the project is in
    url       the repository that controllers read
    branch    of it, for an environment
    """

    delivery: str
    folder: str = ""
    url: str = REMOTE
    branch: str = "main"


MODES = {
    "same-branch": Mode(f"git: {{url: {REMOTE}}}"),
    "branch-per-environment": Mode(
        f'git: {{url: {REMOTE}, branch: "environments/{{environment}}"}}',
        branch="environments/{environment}",
    ),
    "folder-of-the-repository": Mode(f"git: {{url: {REMOTE}, path: serving}}", folder="serving"),
    "other-repository": Mode(
        f"git: {{url: {RENDERED}}}\npublish: {{repository: {RENDERED}}}", url=RENDERED
    ),
}


def fleet(mode: Mode, controller: str) -> dict[str, str]:
    """Two models in two environments, one of them larger in prod."""
    delivery = f"{mode.delivery}\n{CONTROLLERS[controller]}"
    return {
        "modelmill.yaml": PROJECT + "delivery:\n" + indented(delivery),
        "presets/sim.yaml": SIM,
        **{f"overlays/{name}/environment.yaml": _environment(name) for name in ENVIRONMENTS},
        "models/one.yaml": model("one", "roles: {decode: {replicas: 2}}", "[sim]"),
        "models/two.yaml": model(
            "two",
            "roles: {decode: {replicas: 2}}",
            "[sim]",
            environments="{prod: {roles: {decode: {replicas: 5}}}}",
        ),
    }


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def _environment(name: str) -> str:
    return overlay(name, more=f"cluster: {name}\n")


def user(home: Path, remotes: Mapping[str, Path]) -> dict[str, str]:
    """The environment of somebody for whom addresses lead to bare repositories on this machine."""
    home.mkdir(parents=True)
    rewritten = (f'[url "{bare}"]\n\tinsteadOf = {url}\n' for url, bare in remotes.items())
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n" + "".join(rewritten)
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def bare(folder: Path) -> Path:
    """An empty repository that is pushed to."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(folder)], check=True)
    return folder


class World(NamedTuple):
    """A repository that people push to, and whose controllers read it.

    environ  in which its addresses lead to bare repositories
    place    a folder for clones
    mode     where what is published is read
    """

    environ: dict[str, str]
    place: Path
    mode: Mode

    def clone(self, name: str) -> Path:
        git(self.place, self.environ, "clone", "--quiet", REMOTE, name)
        return self.place / name

    def project(self, clone: Path) -> Path:
        return clone / self.mode.folder

    def push(self, clone: Path, message: str) -> None:
        """What a person does after an edit; compiling is CI's."""
        git(clone, self.environ, "add", "--all")
        git(clone, self.environ, "commit", "--quiet", "--message", message)
        git(clone, self.environ, "push", "--quiet", "origin", "HEAD:main")

    def publish(self, clone: Path) -> Ran:
        """The CI job for what was pushed."""
        git(clone, self.environ, "fetch", "--quiet")
        git(clone, self.environ, "reset", "--quiet", "--hard", "origin/main")
        ran = run_apart(self.project(clone), "publish", environ=self.environ)
        assert ran.status == 0, ran.stdout + ran.stderr
        return ran

    @property
    def forge(self) -> Forge:
        return Forge(self.environ, self.place / "controllers")

    def applied(self, controller: str, environment: str) -> list[Object]:
        """What a person applies once, of the branch that the environment's controllers read."""
        branch = self.mode.branch.replace("{environment}", environment)
        folder = self.forge.checkout(self.mode.url, branch) / self.mode.folder
        own = folder / "generated/_environments" / environment
        return built(own / ("flux" if controller == "flux" else "argo-cd"))

    def synced(
        self, controller: str, environment: str, generate: Generate = git_files
    ) -> dict[str, list[Object]]:
        """What the controllers of an environment bring to it, by what brings it."""
        applied = self.applied(controller, environment)
        if controller == "flux":
            return flux(self.forge, applied)
        return argo_cd(self.forge, applied, generate)


def world(place: Path, mode: str, files: Mapping[str, str]) -> World:
    """One whose first commit has been published."""
    remotes = {url: bare(place / Path(url).name) for url in (REMOTE, RENDERED)}
    made = World(user(place / "home", remotes), place, MODES[mode])
    clone = made.clone("first")
    write_files(made.project(clone), files)
    made.push(clone, "Two models")
    made.publish(clone)
    return made


def rendered(project: Path) -> dict[str, dict[str, list[Object]]]:
    """What `render` prints of each model, by environment and model."""
    catalog = index(read_sources(project)).catalog
    found: dict[str, dict[str, list[Object]]] = {name: {} for name in catalog.overlays}
    for name, each in catalog.models.items():
        for taken in environments_of(catalog, each):
            ran = run(project, "render", name, "-e", taken.name)
            assert ran.status == 0, ran.stderr
            found[taken.name][name] = list(yaml.load_all(ran.stdout, yaml.CSafeLoader))
    return found


def by_identity(objects: list[Object]) -> dict[Any, Object]:
    found = {identity(each): each for each in objects}
    assert len(found) == len(objects), "an object that is there twice"
    return found
