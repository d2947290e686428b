"""docs/tutorial.md, done from its first line to its last in an empty folder.

    ```console    commands after `$ `, and what they print; `…` stands for whatever else it is
    ```yaml       the whole of the file that is named in the line before: `path`:
    ```diff       lines of that file, and those to write instead

What stands below <!-- cluster --> is for people alone. https://github.com/acme/models.git is a
bare repository here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

PAGE = ROOT / "docs/tutorial.md"
REMOTE = "https://github.com/acme/models.git"
BLOCK = re.compile(
    r"(?P<apart><!-- cluster -->\n\n)?(?:[^\n]*`(?P<path>[^`\n]+)`:\n\n)?"
    r"```(?P<language>\w+)\n(?P<text>.*?)```\n",
    re.DOTALL,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """That of a user who may push to the remote, with modelmill on the PATH."""
    home = tmp_path / "home"
    home.mkdir()
    bare = tmp_path / "models.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", bare], check=True)
    (home / ".gitconfig").write_text(
        f'[url "{bare}"]\n\tinsteadOf = {REMOTE}\n'
        "[user]\n\tname = Ada\n\temail = ada@example.com\n"
        "[advice]\n\tdetachedHead = false\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "HOME": str(home), "PATH": path, "COLUMNS": "80", "LC_ALL": "C.UTF-8"}


def printed(command: str, folder: Path, environ: dict[str, str]) -> str:
    """What a shell prints of a command. One that fails must say so."""
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = "\n".join(line.rstrip() for line in ran.stdout.splitlines()).rstrip("\n")
    assert ran.returncode == 0 or "error[" in said, f"$ {command}\n{said}"
    return said


def is_shown(said: str, shown: str) -> bool:
    """Whether it is what the page shows; a line of `…` alone stands for any number of lines."""
    pattern = "\n".join(
        r"(?:.*\n)*.*" if line == "…" else re.escape(line).replace("…", ".*")
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, said) is not None


def commands_of(text: str) -> list[tuple[str, str]]:
    """Each command of a console block, with what is shown below it."""
    parts = re.split(r"(?m)^\$ ", text)
    assert parts[0] == "", text
    commands = []
    for part in parts[1:]:
        command, _, shown = re.sub(r"\\\n", "\\\\\0", part).partition("\n")
        commands.append((command.replace("\0", "\n"), shown.rstrip("\n")))
    return commands


def replayed(text: str, folder: Path, environ: dict[str, str]) -> str:
    """A console block with what its commands print today."""
    lines = []
    for command, shown in commands_of(text):
        said = printed(command, folder, environ)
        lines += [f"$ {command}", shown if is_shown(said, shown) else said]
    return "\n".join(line for line in lines if line) + "\n"


def edit(file: Path, difference: str) -> None:
    """Lines of a file replaced; a line that stays begins with a space."""
    lines = difference.splitlines()
    old, new = (
        "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", mark)) for mark in "-+"
    )
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has not once:\n{old}"
    file.write_text(text.replace(old, new))


def test_the_tutorial_does_what_it_says(
    tmp_path: Path, environ: dict[str, str], request: pytest.FixtureRequest
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "models"
    folder.mkdir()
    renewed = page
    for block in BLOCK.finditer(page):
        text = block["text"]
        if block["apart"]:
            continue
        if block["language"] == "console":
            now = replayed(text, folder, environ)
            if not request.config.getoption("--update"):
                assert now == text
            renewed = renewed.replace(f"```console\n{text}```", f"```console\n{now}```", 1)
        elif block["language"] == "diff":
            edit(folder / block["path"], text)
        else:
            file = folder / block["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    if renewed != page:
        PAGE.write_text(renewed, encoding="utf-8")
