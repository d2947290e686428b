"""Argo CD and Flux to ask: their own code, built once from the programs in these folders."""

from __future__ import annotations

import pytest
from asking import Ask, asking


@pytest.fixture(scope="session")
def ask_argo_cd(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return asking("argo-cd", tmp_path_factory.mktemp("peers"))


@pytest.fixture(scope="session")
def ask_flux(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return asking("flux", tmp_path_factory.mktemp("peers"))
