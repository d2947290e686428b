"""The targets, by the name `make fuzz TARGET=…` knows them under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from fuzz.targets import (
    gotemplate,
    llmisvc,
    merging,
    modelservice,
    readers,
    references,
    repository,
    syntax,
    validation,
    values,
)


class Target(Protocol):
    """What every file of this folder offers."""

    def check(self, data: bytes, /) -> None:
        """Raises where something does not hold."""

    def seeds(self) -> Iterator[bytes]:
        """Inputs to begin with."""


TARGETS: Mapping[str, Target] = {
    "gotemplate": gotemplate,
    "llmisvc": llmisvc,
    "merging": merging,
    "modelservice": modelservice,
    "readers": readers,
    "references": references,
    "repository": repository,
    "syntax": syntax,
    "validation": validation,
    "values": values,
}
