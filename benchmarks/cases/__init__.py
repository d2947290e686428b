"""Families of cases. Each module has `measured(setting)`, which makes a section of the results."""

from __future__ import annotations

from typing import Protocol

from benchmarks.cases import (
    cold,
    incremental,
    lint,
    one_model,
    peers,
    publish,
    scale,
)
from benchmarks.results import Section
from benchmarks.setting import Setting


class Family(Protocol):
    """A module of this folder."""

    __name__: str

    def measured(self, setting: Setting) -> Section: ...


MODULES: tuple[Family, ...] = (
    cold,
    peers,
    incremental,
    lint,
    scale,
    one_model,
    publish,
)
FAMILIES = {module.__name__.rpartition(".")[2]: module for module in MODULES}
