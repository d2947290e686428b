"""Questions about one model, in a large repository and in a small one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fleet import model_name
from benchmarks.results import Section, Target, against
from benchmarks.setting import Setting, edited, first_model
from benchmarks.timing import Step, in_turn, run

MODEL = model_name(0)
QUESTIONS = {
    "explain": ["explain", MODEL],
    "render": ["render", MODEL, "-e", "prod"],
    "diff": ["diff", "HEAD", MODEL],
}


def measured(setting: Setting) -> Section:
    sizes = setting.sizes
    roots = {count: _edited_since_commit(setting, count) for count in (sizes.few, sizes.huge)}
    timings = in_turn(
        setting.rounds,
        {
            f"{name} {count}": Step(setting.modelmill(*question), root)
            for name, question in QUESTIONS.items()
            for count, root in roots.items()
        },
    )
    return Section(
        f"One model among {sizes.huge:,}",
        f"Asked of the same model in a repository of {sizes.few}. Both were compiled and committed "
        "without `generated/`; the model was edited since.",
        [
            against(
                f"`{name}`",
                timings,
                f"{name} {sizes.huge}",
                f"{name} {sizes.few}",
                label=f"among {sizes.few}",
                target=Target(2),
            )
            for name in QUESTIONS
        ],
    )


def _edited_since_commit(setting: Setting, models: int) -> Path:
    root = setting.compiled(models)
    if not (root / ".git").exists():
        run(["git", "init", "-q"], root)
        run(["git", "add", "models", "presets", "overlays", "modelmill.yaml"], root)
        run(["git", "commit", "-qm", "Start"], root)
    edited(first_model(root), "max-model-len", 3000)
    return root
