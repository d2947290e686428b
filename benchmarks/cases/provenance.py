"""What it costs to know where every value came from."""

from __future__ import annotations

from benchmarks.fleet import HERE
from benchmarks.results import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import said


def measured(setting: Setting) -> Section:
    root = str(setting.fleet(setting.sizes.fleet))

    def seconds(*options: str) -> float:
        argv = setting.python("-m", "benchmarks.in_memory", root, *options)
        return float(said(argv, HERE.parent))

    ratios = [seconds() / seconds("--bare") for _ in range(setting.rounds)]
    return Section(
        "Provenance",
        "Compiles in memory, in processor time of one core.",
        [Row("places and history of every value", "", "a compile without them", ratios)],
    )
