"""Real git repositories for tests of publishing: a bare one that all push to, and clones of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support import PROJECT, SIM, Ran, compiled, model, overlay, texts_below, write_files

MODELS = ("one", "two", "three")
FILES: Mapping[str, str] = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    **{f"models/{n}.yaml": model(n, "roles: {decode: {replicas: 1}}", "[sim]") for n in MODELS},
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/staging/environment.yaml": overlay("staging"),
}
DELIVERY = (
    "delivery: {git: {url: 'https://git.example.com/a/b.git', branch: 'env/{environment}'}}\n"
)
ALONE: Mapping[str, str] = {**FILES, "modelmill.yaml": PROJECT + DELIVERY}
"""Each environment on a branch of its own."""
IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann Author",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def environ(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {name: value for name, value in {**plain, **IDENTITY, **more}.items() if value}


def git(root: Path, *arguments: str, **more: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environ(**more), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def hub(place: Path, files: Mapping[str, str] = FILES, *options: str) -> Path:
    """A bare repository whose branch `main` holds the files."""
    bare = place / "hub.git"
    git(place, "init", "-q", "--bare", "-b", "main", *options, str(bare))
    first = place / "first"
    git(place, "init", "-q", "-b", "main", *options, str(first))
    git(first, "remote", "add", "origin", str(bare))
    write_files(first, files)
    commit(first, "Start")
    git(first, "push", "-q", "origin", "HEAD:refs/heads/main")
    return bare


def clone(bare: Path, place: Path, *options: str) -> Path:
    git(bare.parent, "clone", "-q", *options, str(bare), str(place))
    if not options or "--bare" not in options:
        git(place, "symbolic-ref", "HEAD", "refs/heads/main")
    return place


def commit(root: Path, subject: str, **more: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", subject, **more)
    return git(root, "rev-parse", "HEAD")


def replicas(root: Path, name: str, count: int) -> None:
    """An edit of a model."""
    path = root / f"models/{name}.yaml"
    head, _, _ = path.read_text().partition("replicas: ")
    path.write_text(f"{head}replicas: {count}}}}}\nenvironments: {{}}\n")


def changed(root: Path, name: str, count: int) -> str:
    """An edit of a model, committed and pushed."""
    replicas(root, name, count)
    made = commit(root, f"Scale {name} to {count}")
    git(root, "push", "-q", "origin", "HEAD:main")
    return made


def start(root: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """A publisher in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "modelmill", "-C", str(root), "publish", *arguments],
        env=environ(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=300)
    return Ran(process.returncode, out, err)


def publish(root: Path, *arguments: str, **more: str) -> Ran:
    return ended(start(root, *arguments, **more))


def published(root: Path, *arguments: str, **more: str) -> Ran:
    """A publish that must succeed."""
    ran = publish(root, *arguments, **more)
    assert ran.status == 0, ran.stderr
    return ran


def tip(bare: Path, branch: str = "main") -> str:
    return git(bare, "rev-parse", f"refs/heads/{branch}")


def message(bare: Path, branch: str = "main") -> list[str]:
    return git(bare, "log", "-1", "--format=%B", branch).splitlines()


def trailers(bare: Path, key: str, branch: str = "main") -> list[str]:
    form = f"--format=%(trailers:key={key},valueonly)"
    return git(bare, "log", form, branch).split()


def tree(
    bare: Path, place: Path, branch: str = "main", folder: str = "generated"
) -> dict[str, bytes]:
    """What a reader of a branch finds below a folder."""
    if not place.exists():
        form = git(bare, "rev-parse", "--show-object-format")
        git(bare.parent, "init", "-q", f"--object-format={form}", str(place))
    git(place, "fetch", "-q", str(bare), f"refs/heads/{branch}")
    git(place, "checkout", "-qf", "FETCH_HEAD")
    git(place, "clean", "-qfdx")
    return texts_below(place, folder)


def compiled_cold(bare: Path, place: Path, branch: str = "main") -> dict[str, bytes]:
    """What the inputs on a branch compile to where nothing was generated before."""
    tree(bare, place, branch)
    if (place / "generated").exists():
        git(place, "rm", "-rq", "generated")
    compiled(place)
    return texts_below(place, "generated")
