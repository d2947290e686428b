"""Stories of the golden corpus, and what modelmill prints about one.

corpus/bad/CODE-reason/  a tiny repository and `expected.txt`, the exact text printed; input that
                         cannot be kept as files is made by `stories_made.MADE` instead
corpus/good/reason/      a tiny repository and `expected/`, its whole generated tree
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

from modelmill.cli import run

CORPUS = Path(__file__).parent / "corpus"
BAD, GOOD = CORPUS / "bad", CORPUS / "good"
EXPECTED, COMMAND = "expected.txt", "command.txt"
LINT = ("lint", "--format", "text")


def stories(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.is_dir())


def code_of(story: str) -> str:
    return story.partition("-")[0]


def copy(story: Path, place: Path) -> Path:
    """The story's input alone, outside of any repository."""
    kept = shutil.ignore_patterns(EXPECTED, COMMAND, "expected")
    return Path(shutil.copytree(story, place / "repository", ignore=kept))


def command_of(story: Path) -> list[str]:
    """What the story runs: lint, unless it says otherwise."""
    written = story / COMMAND
    return written.read_text().split() if written.exists() else list(LINT)


def printed(repository: Path, command: Sequence[str]) -> str:
    """All that a command prints. Its exit status must say whether there are errors."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        status = run(["-C", str(repository), *command])
    assert status == (
        1 if ": error[" in text.getvalue() or text.getvalue().startswith("error[") else 0
    )
    return text.getvalue()
