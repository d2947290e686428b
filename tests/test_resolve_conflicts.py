"""`modelmill resolve`: conflicts in generated/ go by compiling, with real merges."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hubs import FILES, commit, environ, git
from support import Ran, compiled, run, texts_below, write_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose branches `main` and `other` were compiled apart: each has a model of its
    own and another number of replicas everywhere."""
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    write_files(top, FILES)
    _commit(top, "Start")
    git(top, "checkout", "-qb", "other")
    _edit(top, "prod", "replicas: 7")
    (top / "models/four.yaml").write_text(
        (top / "models/one.yaml").read_text().replace("one", "four")
    )
    _commit(top, "Theirs")
    git(top, "checkout", "-q", "main")
    _edit(top, "staging", "replicas: 5")
    (top / "models/three.yaml").unlink()
    _commit(top, "Ours")
    return top


def _edit(top: Path, environment: str, text: str) -> None:
    """Another number in one environment of `one`, and the same preset changed for all."""
    path = top / f"overlays/{environment}/environment.yaml"
    path.write_text(path.read_text() + f"spec: {{roles: {{decode: {{{text}}}}}}}\n")


def _commit(top: Path, subject: str) -> None:
    compiled(top)
    commit(top, subject)


def conflicting(top: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=top, env=environ(), capture_output=True, check=False
    )
    assert done.returncode, done.stdout
    assert unmerged(top)


def unmerged(top: Path) -> list[str]:
    return git(top, "diff", "--name-only", "--diff-filter=U").split()


def resolved(top: Path) -> Ran:
    ran = run(top, "resolve")
    assert ran.status == 0, ran.stderr
    return ran


def is_current(top: Path) -> None:
    """What is in the index is what a compile of it would write."""
    assert run(top, "compile", "--check").status == 0
    assert git(top, "diff", "--name-only", "--", "generated") == ""
    assert git(top, "ls-files", "--others", "--", "generated") == ""


WAYS = {
    "git merge --continue": ("merge", "-q", "other"),
    "git rebase --continue": ("rebase", "-q", "other"),
    "git cherry-pick --continue": ("cherry-pick", "other"),
}


@pytest.mark.parametrize("ahead", WAYS)
def test_conflicts_go_and_the_next_command_is_said(root: Path, ahead: str) -> None:
    conflicting(root, *WAYS[ahead])
    assert all(path.startswith("generated/") for path in unmerged(root))
    ran = resolved(root)
    assert "generated/ is compiled and added: " in ran.stderr
    assert ran.stderr.endswith(f"next: {ahead}\n")
    assert unmerged(root) == []
    is_current(root)
    assert "three" not in "".join(texts_below(root, "generated"))
    git(root, *ahead.split()[1:], GIT_EDITOR="true")
    assert git(root, "status", "--porcelain") == ""


def test_a_stash(root: Path) -> None:
    _edit(root, "prod", "replicas: 3")
    compiled(root)
    git(root, "stash", "-q")
    git(root, "merge", "-q", "-s", "ours", "other")
    preset = root / "presets/sim.yaml"
    preset.write_text(preset.read_text().replace("v0.10.2", "v0.10.3"))
    _commit(root, "Move on")
    conflicting(root, "stash", "pop")
    assert "next: git stash drop" in resolved(root).stderr
    is_current(root)


def test_inputs_in_conflict_come_first(root: Path) -> None:
    git(root, "checkout", "-q", "other")
    path = root / "models/one.yaml"
    path.write_text(path.read_text().replace("replicas: 1", "replicas: 8"))
    _commit(root, "Eight")
    git(root, "checkout", "-q", "main")
    path.write_text(path.read_text().replace("replicas: 1", "replicas: 9"))
    _commit(root, "Nine")
    conflicting(root, "merge", "-q", "other")
    before = texts_below(root, "generated"), git(root, "ls-files", "--unmerged")
    ran = run(root, "resolve")
    assert ran.status == 1
    assert "models/one.yaml:1:1: error[G930]: models/one.yaml is in conflict" in ran.stderr
    assert (texts_below(root, "generated"), git(root, "ls-files", "--unmerged")) == before
    git(root, "checkout", "-q", "--ours", "models/one.yaml")
    git(root, "add", "models/one.yaml")
    resolved(root)
    is_current(root)


def test_settings_in_conflict_come_first_of_all(root: Path) -> None:
    for branch, name in (("other", "a"), ("main", "b")):
        git(root, "checkout", "-q", branch)
        path = root / "modelmill.yaml"
        path.write_text(path.read_text() + f"metadata: {{name: {name}}}\n")
        _commit(root, name)
    conflicting(root, "merge", "-q", "other")
    ran = run(root, "resolve")
    assert ran.status == 1
    assert "modelmill.yaml:1:1: error[G930]: modelmill.yaml is in conflict" in ran.stderr


def test_files_of_others_keep_their_conflicts(root: Path) -> None:
    for branch in ("other", "main"):
        git(root, "checkout", "-q", branch)
        write_files(root, {"generated/one/NOTES.md": f"{branch}\n", "README.md": f"{branch}\n"})
        commit(root, "Notes")
    conflicting(root, "merge", "-q", "other")
    ran = resolved(root)
    assert "note: README.md is still in conflict" in ran.stderr
    assert "generated/one/NOTES.md:1:1: warning[G931]" in ran.stderr
    assert "next:" not in ran.stderr
    assert unmerged(root) == ["README.md", "generated/one/NOTES.md"]
    assert "<<<<<<<" in (root / "generated/one/NOTES.md").read_text()


def test_only_generated_is_added(root: Path) -> None:
    conflicting(root, "merge", "-q", "other")
    (root / "README.md").write_text("New.\n")
    write_files(root, {"generated/one/NOTES.md": "Mine.\n"})
    resolved(root)
    assert git(root, "ls-files", "--others").split() == ["README.md", "generated/one/NOTES.md"]


def test_without_a_conflict_nothing_is_done(root: Path) -> None:
    before = texts_below(root, "generated")
    assert resolved(root).stderr == "nothing is in conflict\n"
    assert texts_below(root, "generated") == before


def test_conflicts_that_were_added_as_they_are(root: Path) -> None:
    conflicting(root, "merge", "-q", "other")
    git(root, "add", "-A")
    resolved(root)
    is_current(root)


def test_a_clone_that_is_a_working_tree_of_another(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "-q", "-b", "third", str(tmp_path / "beside"), "main")
    conflicting(tmp_path / "beside", "merge", "-q", "other")
    resolved(tmp_path / "beside" / "models")
    is_current(tmp_path / "beside")


def test_a_clone_that_is_a_submodule_of_another(root: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    git(above, "init", "-q")
    allowed = ("-c", "protocol.file.allow=always")
    git(above, *allowed, "submodule", "--quiet", "add", "-b", "main", str(root), "serving")
    serving = above / "serving"
    conflicting(serving, "merge", "-q", "origin/other")
    resolved(serving)
    is_current(serving)


def test_a_repository_in_a_folder_of_the_git_repository(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    write_files(top, {f"serving/{path}": text for path, text in FILES.items()})
    _commit(top / "serving", "Start")
    for branch, environment in (("other", "prod"), ("main", "staging")):
        git(top, "checkout", "-q", "-B", branch, "main" if branch == "main" else "HEAD")
        _edit(top / "serving", environment, "replicas: 7")
        (top / "serving/models/two.yaml").unlink() if branch == "other" else None
        _commit(top / "serving", branch)
    conflicting(top, "merge", "-q", "other")
    resolved(top / "serving")
    is_current(top / "serving")
