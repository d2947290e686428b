"""The hooks of .pre-commit-hooks.yaml, run by the real pre-commit in a repository of a user.

pre-commit builds an environment for them as it does for any user, so this needs a package registry.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from support import ROOT, SMALL, Ran, compiled, write_files

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "generated", "dist"
)


def git(folder: Path, *arguments: str) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", *IDENTITY, *arguments],
        cwd=folder,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def committed(folder: Path) -> str:
    """A folder as a git repository of one commit; the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environment it builds, once for all tests here."""
    return tmp_path_factory.mktemp("pre-commit-store")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration of a user who pins this working tree."""
    tool = tmp_path_factory.mktemp("tool") / "modelmill"
    shutil.copytree(ROOT, tool, ignore=NOT_COPIED)
    revision = committed(tool)
    return dedent(
        f"""\
        repos:
          - repo: {tool}
            rev: {revision}
            hooks:
              - id: modelmill-lint
              - id: modelmill-check
        """
    )


@pytest.fixture
def repo(tmp_path: Path, hooks: str) -> Path:
    """A repository that compiles, with everything committed."""
    write_files(tmp_path, {**SMALL, ".pre-commit-config.yaml": hooks})
    compiled(tmp_path)
    committed(tmp_path)
    return tmp_path


def pre_commit(repo: Path, store: Path, *arguments: str) -> Ran:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color=never", *arguments],
        cwd=repo,
        env={**environ, "PRE_COMMIT_HOME": str(store), "GITHUB_ACTIONS": ""},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_both_hooks_pass_in_a_good_repository(repo: Path, store: Path) -> None:
    ran = pre_commit(repo, store, "--all-files")
    assert ran.status == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Passed") == 2, ran.stdout


def test_a_bad_file_is_refused_with_its_diagnostic(repo: Path, store: Path) -> None:
    model = repo / "models/tiny.yaml"
    model.write_text(model.read_text().replace("replicas:", "replicsa:"))
    git(repo, "add", "models")
    ran = pre_commit(repo, store, "modelmill-lint")
    assert ran.status == 1
    assert "error[S401]: `replicsa` is not a field of" in ran.stdout
    assert "did you mean `replicas`?" in ran.stdout


def test_sources_without_their_compile_are_refused(repo: Path, store: Path) -> None:
    model = repo / "models/tiny.yaml"
    model.write_text(model.read_text().replace("replicas: 2", "replicas: 3"))
    git(repo, "add", "models")
    ran = pre_commit(repo, store)
    assert ran.status == 1
    lint, check = (line for line in ran.stdout.splitlines() if line.startswith("modelmill "))
    assert lint.endswith("Passed")
    assert check.endswith("Failed")
    assert "generated/tiny" in ran.stdout
    compiled(repo)
    git(repo, "add", "generated")
    assert pre_commit(repo, store).status == 0


def test_a_deleted_model_whose_output_stays_is_refused(repo: Path, store: Path) -> None:
    text = (repo / "models/tiny.yaml").read_text()
    write_files(repo, {"models/other.yaml": text.replace("tiny", "other")})
    compiled(repo)
    committed(repo)
    git(repo, "rm", "--quiet", "models/other.yaml")
    ran = pre_commit(repo, store)
    assert ran.status == 1
    assert "generated/other" in ran.stdout
