"""What a compile costs beside the first one: nothing, one model, or one preset has changed."""

from __future__ import annotations

from itertools import count

from benchmarks.fleet import SHARED
from benchmarks.results import Section, Target, against, more_than
from benchmarks.setting import Setting, edited, first_model
from benchmarks.timing import Step, in_turn, run

STATUS = "git status"
NOTHING, CHECK = "nothing changed", "compile --check"
ONE, PRESET = "one model changed", "a preset changed"


def measured(setting: Setting) -> Section:
    root = setting.compiled(setting.sizes.fleet)
    for argv in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-qm", "Start"]):
        run(argv, root)
    numbers = count(1)

    def as_committed() -> None:
        run(["git", "checkout", "-q", "--", "models", "presets"], root)
        run(setting.modelmill("compile"), root)
        run(["git", "status"], root)

    def one_model() -> None:
        edited(first_model(root), "max-model-len", 2000 + next(numbers))

    def one_preset() -> None:
        edited(root / SHARED, "runbook", f"https://runbooks.example.com/{next(numbers)}")

    compile_ = setting.modelmill("compile")
    timings = in_turn(
        setting.rounds,
        {
            STATUS: Step(["git", "status"], root, as_committed),
            NOTHING: Step(compile_, root),
            CHECK: Step([*compile_, "--check"], root),
            ONE: Step(compile_, root, one_model),
            PRESET: Step(compile_, root, one_preset),
        },
    )
    as_committed()
    return Section(
        f"After a change, {setting.fleet_size}",
        "`generated/` is committed, the index of git is warm. A compile looks for drift: what was "
        "edited or deleted below `generated/` is found, whether or not an input changed.",
        [
            against("nothing changed", timings, NOTHING, STATUS, target=Target(1)),
            against("nothing changed, `compile --check`", timings, CHECK, STATUS, target=Target(1)),
            more_than("one model changed", timings, ONE, NOTHING, target=Target(60)),
            against(
                "a preset changed that all models have", timings, PRESET, NOTHING, label=NOTHING
            ),
        ],
    )
