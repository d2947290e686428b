"""What pre-commit pays: `modelmill lint` of one file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fleet import HERE
from benchmarks.results import Row, Section, Target, against
from benchmarks.setting import Setting, first_model
from benchmarks.timing import Step, in_turn

SHORT = 4
"""Rounds for each of other cases': these take milliseconds."""
PYTHON = "python -c pass"
OWN, FLEET = "own", "fleet"


def measured(setting: Setting) -> Section:
    own = _copy_of_this_repository(setting.ram / "own")
    fleet = setting.compiled(setting.sizes.fleet)
    file = first_model(fleet).relative_to(fleet).as_posix()

    lint = setting.modelmill("lint")
    timings = in_turn(
        setting.rounds * SHORT,
        {
            PYTHON: Step(setting.python("-c", "pass"), fleet),
            OWN: Step([*lint, "models/qwen3-32b.yaml"], own),
            FLEET: Step([*lint, file], fleet),
        },
    )
    most = Target(8)
    return Section(
        "Lint of one file",
        f"Whole processes, {setting.rounds * SHORT} rounds.",
        [
            against("in the repository of modelmill", timings, OWN, PYTHON, target=most),
            _milliseconds("the same, in time", timings[OWN]),
            against(f"among {setting.sizes.fleet:,} models", timings, FLEET, PYTHON, target=most),
            _milliseconds("the same, in time", timings[FLEET]),
        ],
    )


def _milliseconds(what: str, values: Sequence[float]) -> Row:
    return Row(what, "", "", [value * 1000 for value in values], Target(100), "ms")


def _copy_of_this_repository(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("models", "presets", "overlays"):
        shutil.copytree(HERE.parent / name, folder / name, dirs_exist_ok=True)
    shutil.copy(HERE.parent / "modelmill.yaml", folder)
    return folder
