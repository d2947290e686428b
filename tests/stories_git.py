"""Bad input that git repositories are part of: branches, pushes and merges that go wrong.

In: a fresh folder that holds one good model. Out: what modelmill prints once the fault is there.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from hubs import IDENTITY, git
from modelmill.cli import run

MODEL = "models/llama.yaml"
DATES = {f"GIT_{who}_DATE": "2026-01-05T12:00:00Z" for who in ("AUTHOR", "COMMITTER")}


def said(repository: Path, *command: str) -> str:
    """What a command says in the end; how far it is it says before."""
    text = io.StringIO()
    with mock.patch.dict(os.environ, IDENTITY), contextlib.redirect_stderr(text):
        run(["-C", str(repository), *command])
    lines = text.getvalue().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("compiling "))


def commit(repository: Path, subject: str) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", subject, **DATES)


def clone(repository: Path, settings: str = "") -> Path:
    """The folder made a clone whose commit is on the branch `main` of its remote."""
    hub = repository.with_name("hub.git")
    git(repository.parent, "init", "-q", "--bare", "-b", "main", str(hub))
    git(repository, "init", "-q", "-b", "main")
    git(repository, "remote", "add", "origin", str(hub))
    file = repository / "modelmill.yaml"
    file.write_text(file.read_text() + settings)
    commit(repository, "Start")
    git(repository, "push", "-q", "origin", "main")
    return hub


def edited(repository: Path, text: str, subject: str) -> None:
    file = repository / MODEL
    file.write_text(file.read_text() + text)
    commit(repository, subject)


def detached(repository: Path) -> str:
    clone(repository)
    git(repository, "checkout", "-q", "--detach")
    return said(repository, "publish")


def not_pushed(repository: Path) -> str:
    clone(repository)
    edited(repository, "  sharedMemory: 8Gi\n", "More memory")
    return said(repository, "publish")


def path_elsewhere(repository: Path) -> str:
    url = "https://git.example.com/acme/models.git"
    clone(repository, f"delivery:\n  git:\n    url: {url}\n    path: deploy\n")
    return said(repository, "publish")


def protected(repository: Path) -> str:
    hook = clone(repository) / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'changes to main must be made by a pull request'\nexit 1\n")
    hook.chmod(0o755)
    return said(repository, "publish")


def always_late(repository: Path) -> str:
    """The server's branch moves while the push is on its way."""
    url = "https://git.example.com/acme/models.git"
    hub = clone(repository, f"delivery:\n  git: {{url: {url}}}\n  publish: {{attempts: 1}}\n")
    git(repository, "checkout", "-qb", "other")
    edited(repository, "  sharedMemory: 8Gi\n", "More memory")
    git(repository, "push", "-q", "origin", "other")
    git(repository, "checkout", "-q", "main")
    hook = hub / "hooks/pre-receive"
    hook.write_text(
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH\nexec git update-ref refs/heads/main other\n"
    )
    hook.chmod(0o755)
    return said(repository, "publish")


def empty_remote(repository: Path) -> str:
    hub = clone(repository)
    git(hub, "update-ref", "-d", "refs/heads/main")
    return said(repository, "publish")


def _diverged(repository: Path, path: str, before: str) -> None:
    """Two branches that differ in one line of a file, and a merge of them."""
    git(repository, "init", "-q", "-b", "main")
    file = repository / path
    for branch, line in (("base", ""), ("other", "8Gi"), ("main", "16Gi")):
        git(repository, "checkout", "-q", *(["-b"] if branch != "main" else []), branch)
        if line:
            file.write_text(file.read_text() + f"{before}{line}\n")
        commit(repository, line or "Start")
        if branch == "base":
            git(repository, "branch", "-f", "main")
    with contextlib.suppress(AssertionError):
        git(repository, "merge", "-q", "other")


def inputs_in_conflict(repository: Path) -> str:
    _diverged(repository, MODEL, "  sharedMemory: ")
    return said(repository, "resolve")


def notes_in_conflict(repository: Path) -> str:
    said(repository, "compile")
    (repository / "generated/llama/NOTES.md").write_text("Notes\n")
    _diverged(repository, "generated/llama/NOTES.md", "Memory: ")
    return said(repository, "resolve")


MADE_BY_GIT: dict[str, Callable[[Path], str]] = {
    "G920-no-branch-checked-out": detached,
    "G921-commit-not-pushed": not_pushed,
    "G922-controllers-look-elsewhere": path_elsewhere,
    "G923-branch-is-protected": protected,
    "G924-branch-moves-at-every-try": always_late,
    "G925-branch-is-not-there": empty_remote,
    "G930-model-in-conflict": inputs_in_conflict,
    "G931-notes-in-conflict": notes_in_conflict,
}
