"""The golden corpus: every message word for word, every small repository's whole output.

`pytest tests/test_corpus.py --update` rewrites what is expected; read the difference.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stories import (
    BAD,
    EXPECTED,
    GOOD,
    LINT,
    code_of,
    command_of,
    copy,
    printed,
    stories,
)
from stories_made import MADE, SEED


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.mark.parametrize("story", sorted({*stories(BAD), *MADE}))
def test_bad(story: str, tmp_path: Path, update: bool) -> None:
    if story in MADE:
        said = MADE[story](Path(shutil.copytree(SEED, tmp_path / "repository")))
    else:
        said = printed(copy(BAD / story, tmp_path), command_of(BAD / story))
    expected = BAD / story / EXPECTED
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(said)
    assert said == expected.read_text()
    assert f"[{code_of(story)}]" in said
    assert str(tmp_path) not in said


@pytest.mark.parametrize("story", stories(GOOD))
def test_good(story: str, tmp_path: Path, update: bool) -> None:
    repository = copy(GOOD / story, tmp_path)
    assert "error[" not in printed(repository, LINT)
    printed(repository, ("compile",))
    expected = GOOD / story / "expected"
    if update:
        shutil.rmtree(expected, ignore_errors=True)
        shutil.copytree(repository / "generated", expected)
    assert _tree(repository / "generated") == _tree(expected)


def _tree(folder: Path) -> dict[str, str]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_text() for each in files}
