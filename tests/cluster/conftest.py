"""An API server for all tests of a run, and what it told at the end of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_server import Api, api_server
from definitions import install
from told import Told

SHARED_MEMORY = Path("/dev/shm")


TOLD = pytest.StashKey[Told]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TOLD] = Told()


@pytest.fixture(scope="session")
def told(pytestconfig: pytest.Config) -> Told:
    return pytestconfig.stash[TOLD]


@pytest.fixture(scope="session")
def api(told: Told) -> Iterator[Api]:
    """With the definitions of all custom kinds that are at hand."""
    memory = str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as place, api_server(Path(place)) as server:
        told.version = server.ask("GET", "/version").body["gitVersion"]
        install(server)
        yield server


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    told = config.stash[TOLD]
    if not told.objects:
        return
    terminalreporter.section(f"kube-apiserver {told.version}")
    for each in told.lines():
        terminalreporter.write_line(each)
