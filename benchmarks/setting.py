"""What every case is given: sizes, folders, programs, and repositories that are made once.

In: what the command line says. Out: a `Setting`.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.fleet import model_name, write_fleet
from benchmarks.timing import run
from modelmill.cachefile import folder_of

BIN = Path(sys.executable).parent


class Sizes(NamedTuple):
    """How many models and environments each case has, and the gigabytes they take."""

    fleet: int = 1000
    huge: int = 10_000
    few: int = 10
    inherited: int = 200
    spread: int = 20
    environments: int = 3
    many_environments: int = 50
    subcharts: int = 100
    sample: int = 60
    published: int = 440
    gigabytes: int = 8


SCALES = {
    "full": Sizes(),
    "small": Sizes(
        fleet=20,
        huge=40,
        inherited=10,
        spread=4,
        many_environments=8,
        subcharts=5,
        sample=3,
        published=12,
        gigabytes=0,
    ),
}


class Setting(NamedTuple):
    """Where and how much."""

    sizes: Sizes
    rounds: int
    ram: Path
    disk: Path
    whole_loops: bool
    helm: Path | None
    kubectl: Path | None

    @property
    def fleet_size(self) -> str:
        return f"{self.sizes.fleet:,} models × {self.sizes.environments} environments"

    def modelmill(self, *args: str) -> list[str | Path]:
        return [BIN / "modelmill", *args]

    def python(self, *args: str) -> list[str | Path]:
        return [Path(sys.executable), *args]

    def fleet(self, models: int, environments: int | None = None, depth: int | None = None) -> Path:
        """A repository on the RAM disk, made when it is first asked for."""
        environments = environments or self.sizes.environments
        root = self.ram / f"fleet-{models}-{environments}-{depth or 'any'}"
        if not root.exists():
            write_fleet(root, models=models, environments=environments, depth=depth)
        return root

    def compiled(self, models: int, environments: int | None = None) -> Path:
        """Such a repository, with what it compiles to."""
        root = self.fleet(models, environments)
        run(self.modelmill("compile"), root)
        return root


def cleared(root: Path) -> None:
    """The repository without anything that modelmill wrote or knows of it."""
    shutil.rmtree(root / "generated", ignore_errors=True)
    shutil.rmtree(folder_of(str(root)) or root / "none", ignore_errors=True)


def first_model(root: Path) -> Path:
    """The file of the model that single edits are made to."""
    return root / "models" / f"{model_name(0)}.yaml"


def edited(file: Path, key: str, value: object) -> None:
    """Give a key another value, where the file has it first."""
    text, count = re.subn(
        rf"({re.escape(key)}: )[^,}}\n]+", rf"\g<1>{value}", file.read_text(), count=1
    )
    if not count:
        raise SystemExit(f"{file.name} has no {key}")
    file.write_text(text)


def found(name: str) -> Path | None:
    """A program of this environment, or on PATH."""
    path = shutil.which(name, path=BIN) or shutil.which(name)
    return Path(path) if path else None
