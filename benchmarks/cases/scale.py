"""What grows with a repository: ten times the models, presets ten deep, many environments."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.results import Row, Section, Target, against, alone
from benchmarks.setting import Setting, cleared, edited, first_model
from benchmarks.timing import Step, Timings, in_turn, memory

MEGABYTE = 1_000_000
MOST_MEMORY = Target(250)
HUGE, FLEET = "huge", "fleet"
NOTHING, ONE = "nothing changed", "one model changed"


def measured(setting: Setting) -> Section:
    sizes = setting.sizes
    times = sizes.huge / sizes.fleet
    return Section(
        f"Scale: {sizes.huge:,} models × {sizes.environments} environments",
        "Cold compiles, but for two. Memory is of a run of its own: the peak of its largest "
        "process, and of all its processes at one moment (proportional set size, looked at every "
        "10 ms).",
        [
            against(
                f"{sizes.huge:,} models, all cores",
                _cold_in_turn(setting, {HUGE: sizes.huge, FLEET: sizes.fleet}),
                HUGE,
                FLEET,
                label=f"{sizes.fleet:,} models",
                target=Target(1.1 * times),
            ),
            *_memory(setting),
            *_warm(setting),
            _inheritance(setting),
            _environments(setting),
        ],
    )


def _cold_in_turn(setting: Setting, models: dict[str, int]) -> Timings:
    roots = {name: setting.fleet(count) for name, count in models.items()}
    return in_turn(setting.rounds, {name: _cold(setting, root) for name, root in roots.items()})


def _cold(setting: Setting, root: Path, *options: str) -> Step:
    return Step(setting.modelmill("compile", *options), root, partial(cleared, root))


def _memory(setting: Setting) -> list[Row]:
    root = setting.fleet(setting.sizes.huge)
    rows = []
    for how, options in (("all cores", ()), ("one core", ("-j", "1"))):
        cleared(root)
        peak = memory(setting.modelmill("compile", *options), root)
        rows += [
            _megabytes(f"memory, {how}: the largest process", peak.largest),
            _megabytes(f"memory, {how}: all processes", peak.together),
        ]
    return rows


def _megabytes(what: str, size: int) -> Row:
    return Row(what, "", "", [size / MEGABYTE], MOST_MEMORY, "MB")


def _warm(setting: Setting) -> list[Row]:
    root = setting.compiled(setting.sizes.huge)

    def one_model() -> None:
        file = first_model(root)
        edited(file, "max-model-len", 2048 if "max-model-len: 1024" in file.read_text() else 1024)

    compile_ = setting.modelmill("compile")
    steps = {NOTHING: Step(compile_, root), ONE: Step(compile_, root, one_model)}
    timings = in_turn(setting.rounds, steps)
    return [alone(name, timings, name) for name in steps]


def _inheritance(setting: Setting) -> Row:
    models = setting.sizes.inherited
    roots = {f"{depth}": setting.fleet(models, depth=depth) for depth in (2, 10)}
    timings = in_turn(
        setting.rounds, {name: _cold(setting, root, "-j", "1") for name, root in roots.items()}
    )
    what = f"inheritance 10 deep, {models} models, one core"
    return against(what, timings, "10", "2", label="2 deep")


def _environments(setting: Setting) -> Row:
    few, many = setting.sizes.environments, setting.sizes.many_environments
    models = setting.sizes.spread
    roots = {name: setting.fleet(models, number) for name, number in (("few", few), ("many", many))}
    timings = in_turn(
        setting.rounds, {name: _cold(setting, root, "-j", "1") for name, root in roots.items()}
    )
    variants = {name: _variants(root) for name, root in roots.items()}
    return against(
        f"{many} environments, {models} models, one core: per variant",
        timings,
        "many",
        "few",
        label=f"{few} environments",
        times=variants["few"] / variants["many"],
    )


def _variants(root: Path) -> int:
    return sum(1 for _ in (root / "generated").glob("*/overlays/*"))
