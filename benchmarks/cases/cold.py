"""A cold compile beside `cp -r` of what it writes: the least that anything could cost that writes
as many files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.fleet import write_fleet
from benchmarks.results import Row, Section, Target, against
from benchmarks.setting import Setting, cleared
from benchmarks.timing import Step, Timings, in_turn

ALL, ONE, COPY = "compile, all cores", "compile -j 1", "cp -r"


def measured(setting: Setting) -> Section:
    root = setting.compiled(setting.sizes.fleet)
    memory = _timings(setting, setting.ram, root, clear=_removed)
    # A disk is slow for long to make files where others were just deleted, and while it still
    # writes the last ones back.
    folder = setting.disk / "cold"
    write_fleet(
        folder / "fleet", models=setting.sizes.fleet, environments=setting.sizes.environments
    )
    disk = _timings(setting, folder, folder / "fleet", clear=_put_aside(folder))
    return Section(
        f"Cold compile of {setting.fleet_size}",
        f"Neither `generated/` nor the cache is there. It writes {_written(root)}. On the disk "
        "every round writes where nothing was before, after a `sync`.",
        [
            *_rows(memory, "", Target(3), Target(5)),
            *_rows(disk, ", on the disk", None, None),
        ],
    )


def _timings(
    setting: Setting, folder: Path, root: Path, *, clear: Callable[[Path], object]
) -> Timings:
    copy = folder / "copy"

    def fresh() -> None:
        clear(root / "generated")
        cleared(root)

    steps = {
        ALL: Step(setting.modelmill("compile"), root, fresh),
        ONE: Step(setting.modelmill("compile", "-j", "1"), root, fresh),
        COPY: Step(["cp", "-r", root / "generated", copy], folder, lambda: clear(copy)),
    }
    return in_turn(setting.rounds, steps)


def _removed(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _put_aside(folder: Path) -> Callable[[Path], object]:
    numbers = count()

    def clear(written: Path) -> None:
        if written.exists():
            written.rename(folder / f"aside-{next(numbers)}")
        os.sync()

    return clear


def _rows(
    timings: Timings, where: str, most: Target | None, most_serial: Target | None
) -> list[Row]:
    return [
        against(f"all cores{where}", timings, ALL, COPY, target=most),
        against(f"one core{where}", timings, ONE, COPY, target=most_serial),
    ]


def _written(root: Path) -> str:
    files = [f for f in (root / "generated").rglob("*") if f.is_file()]
    return f"{len(files):,} files, {sum(f.stat().st_size for f in files) / 1e6:.0f} MB"
