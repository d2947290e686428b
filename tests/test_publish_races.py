"""Many publishers at once, and publishers that are killed: nothing is lost, or half there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from hubs import (
    ALONE,
    FILES,
    changed,
    clone,
    commit,
    compiled_cold,
    ended,
    git,
    hub,
    message,
    publish,
    published,
    replicas,
    start,
    tip,
    trailers,
    tree,
)
from support import model

EIGHT = [f"m{number}" for number in range(8)]
MANY = {
    **{path: text for path, text in FILES.items() if not path.startswith("models/")},
    **{f"models/{n}.yaml": model(n, "roles: {decode: {replicas: 1}}", "[sim]") for n in EIGHT},
}


def pushed(root: Path, name: str, count: int) -> str:
    """An edit pushed as a person does it: fetched, rebased and tried again until it is in."""
    replicas(root, name, count)
    commit(root, f"Scale {name} to {count}")
    for _ in range(50):
        git(root, "pull", "-q", "--rebase", "origin", "main")
        try:
            git(root, "push", "-q", "origin", "HEAD:main")
        except AssertionError:
            continue
        return git(root, "rev-parse", "HEAD")
    raise AssertionError("never got in")


def all_succeed(running: list[subprocess.Popen[str]]) -> None:
    assert [ran.stderr for ran in map(ended, running) if ran.status] == []


def test_eight_clones_with_commits_of_their_own(tmp_path: Path) -> None:
    bare = hub(tmp_path, MANY)
    published(clone(bare, tmp_path / "a"))
    clones = [clone(bare, tmp_path / name) for name in EIGHT]
    running: list[subprocess.Popen[str]] = []
    sources: list[str] = []
    for round_ in (2, 3):
        for number, (name, root) in enumerate(zip(EIGHT, clones, strict=True)):
            if round_ > 2:  # a commit not pushed yet is refused, so nobody may be making one here
                running[number].wait(timeout=300)
            sources.append(pushed(root, name, round_))
            running.append(start(root))
    all_succeed(running)
    _all_compiled(tmp_path, bare, sources)


def test_a_commit_that_the_clone_is_just_fetching(tmp_path: Path) -> None:
    """git writes a commit before the trees it names."""
    bare = hub(tmp_path, FILES)
    first, other = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    name = next(path for path in FILES if path.startswith("models/"))[7:-5]
    newest = pushed(other, name, 7)
    (tmp_path / "half").write_text(git(other, "cat-file", "commit", newest) + "\n")
    assert git(first, "hash-object", "-t", "commit", "-w", str(tmp_path / "half")) == newest
    published(first)
    assert newest in trailers(bare, "Source-Commit")


def test_eight_at_once_in_one_clone(tmp_path: Path) -> None:
    bare = hub(tmp_path, MANY)
    root, editor = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    published(root)
    running, sources = [], []
    for number, name in enumerate(EIGHT):
        sources.append(pushed(editor, name, 2 + number))
        running.append(start(root))
    all_succeed(running)
    _all_compiled(tmp_path, bare, sources)


def _all_compiled(place: Path, bare: Path, sources: list[str]) -> None:
    assert tree(bare, place / "reader") == compiled_cold(bare, place / "cold")
    assert git(bare, "rev-list", "--merges", "main") == ""
    history = git(bare, "rev-list", "main").split()
    assert set(sources) <= set(history)
    # Each is named by the first commit that holds what it compiles to.
    assert set(sources) <= set(trailers(bare, "Source-Commit"))


def test_eight_on_branches_of_environments(tmp_path: Path) -> None:
    bare = hub(tmp_path, {**MANY, "modelmill.yaml": ALONE["modelmill.yaml"]})
    clones = [clone(bare, tmp_path / name) for name in EIGHT]
    published(clones[0])
    running, sources = [], []
    for name, root in zip(EIGHT, clones, strict=True):
        sources.append(pushed(root, name, 5))
        running.append(start(root))
    all_succeed(running)
    for branch in ("env/prod", "env/staging"):
        assert git(bare, "rev-list", "--merges", branch) == ""
        said = json.loads(git(bare, "show", f"{branch}:hydrator.metadata"))
        assert said["drySha"] == sources[-1] == tip(bare)
        assert set(sources) <= set(trailers(bare, "Source-Commit", branch))
    again = published(clones[0])
    assert again.stdout == "env/prod: nothing changed\nenv/staging: nothing changed\n"


def test_a_lost_race_is_compiled_again_and_never_rebased(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root, other = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    replicas(other, "two", 6)
    theirs = commit(other, "Scale two")
    once = tmp_path / "once"
    shim = _at_push(tmp_path, f"[ -e {once} ] || {{ touch {once}; cd {other}; $REAL push -q; }}")
    ran = published(root, PATH=shim)
    assert "another push came first: compiling again" in ran.stderr
    assert git(bare, "rev-parse", "main^") == theirs
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")
    assert message(bare)[2] == f"Source-Commit: {theirs}"


def test_tries_have_an_end(tmp_path: Path) -> None:
    settings = ALONE["modelmill.yaml"].rstrip("}\n") + "}, publish: {attempts: 2}}\n"
    settings = settings.replace("env/{environment}", "main")
    bare = hub(tmp_path, {**FILES, "modelmill.yaml": settings})
    root, other = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    commits = "$REAL commit -q --allow-empty -m Note && $REAL push -q"
    shim = _at_push(tmp_path, f"cd {other}; $REAL pull -q; {commits}")
    ran = publish(root, PATH=shim)
    assert ran.status == 1
    assert "error[G924]: another push to main came first at 2 tries" in ran.stderr


def _at_push(place: Path, act: str) -> str:
    """A PATH whose `git` runs a line of shell just before each push, as if by somebody else."""
    real = f"REAL='{shutil.which('git')} -c user.name=b -c user.email=b@example.com'"
    return _shim(place, f'[[ " $* " = *" push "* ]] && ( unset ${{!GIT_*}}; {real}; {act} )')


def _shim(place: Path, before: str) -> str:
    """A PATH whose `git` runs a line of shell before the real one."""
    folder = place / "shim"
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(f'#!/bin/bash\n{before}\nexec {shutil.which("git")} "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


# What a publisher does that leaves anything behind, in order: two branches, so some of it twice.
STEPS = (
    *(("init", 1), ("ls-remote", 1), ("fast-import", 1), ("commit-tree", 1)),
    *(("fast-import", 2), ("commit-tree", 2), ("push", 1)),
)


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_killed_at_any_step_the_remote_is_old_or_new(tmp_path: Path, when: str) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    published(root)
    changed(root, "one", 3)
    old = {branch: tip(bare, branch) for branch in ("env/prod", "env/staging")}
    shim = _killing(tmp_path, when)
    for command, turn in STEPS if when != "during" else [("push", 1)]:
        (tmp_path / "count").write_text("0\n")
        for branch, commit_id in old.items():
            git(bare, "update-ref", f"refs/heads/{branch}", commit_id)
        ran = publish(root, PATH=shim, STEP=command, TURN=str(turn), TMPDIR=str(tmp_path))
        assert ran.status == -9, (command, turn)
        _await_orphans(tmp_path)
        for branch, commit_id in old.items():
            made = git(bare, "rev-list", f"{commit_id}..{branch}").split()
            assert len(made) <= 1
            assert _replicas(bare, branch) == (3 if made else 1)
        assert git(root, "status", "--porcelain") == ""
    git(bare, "fsck", "--strict")
    published(root)
    assert _replicas(bare, "env/prod") == _replicas(bare, "env/staging") == 3
    assert published(root).stdout == "env/prod: nothing changed\nenv/staging: nothing changed\n"


def _killing(place: Path, when: str) -> str:
    """A PATH whose `git` kills who runs it, at the TURNth call of the command STEP."""
    real, count = shutil.which("git"), place / "count"
    acts = {
        "before": "kill -9 $PPID; exit 1",
        "during": f'(sleep 0.02; kill -9 $PPID) & {real} "$@"; sleep 1; exit 1',
        "after": f'{real} "$@"; kill -9 $PPID; exit 1',
    }
    counted = f"n=$(($(cat {count}) + 1)); echo $n > {count}; [ $n = $TURN ] && {{ {acts[when]}; }}"
    return _shim(place, f'if [[ " $* " = *" $STEP "* ]]; then {counted}; fi')


def _await_orphans(place: Path) -> None:
    """Until what a killed publisher had started has ended."""
    busy = ["pgrep", "-f", f"force-with-lease|receive-pack '?{place}"]
    for _ in range(100):
        if subprocess.run(busy, capture_output=True, check=False).returncode:
            return
        time.sleep(0.05)


def _replicas(bare: Path, branch: str) -> int:
    environment = branch.rpartition("/")[2]
    path = f"generated/one/overlays/{environment}/deployment-one-decode.yaml"
    text = git(bare, "show", f"{branch}:{path}")
    return int(text.partition("replicas: ")[2].split()[0])
