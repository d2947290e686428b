"""Publishing after a change of every object, beside git's own share of that."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.results import Section, against
from benchmarks.setting import Setting, edited
from benchmarks.timing import Step, in_turn, run, said

PUBLISH, STAGE, COMMIT = "publish", "git add", "git add, git commit"
GIT = ["git", "-c", "gc.auto=0"]


def measured(setting: Setting) -> Section:
    clone = _clone(setting)
    plain = setting.ram / "plain"
    run(["git", "clone", "-q", setting.ram / "hub.git", plain], setting.ram)
    numbers = count(2)

    def another_label() -> None:
        release = f"r{next(numbers)}"
        for file in (clone / "models").iterdir():
            edited(file, "release", release)
        run([*GIT, "commit", "-qam", "Label anew"], clone)
        run(["git", "push", "-q", "origin", "main"], clone)

    timings = in_turn(
        setting.rounds,
        {
            PUBLISH: Step(setting.modelmill("publish"), clone, another_label),
            COMMIT: Step(
                ["sh", "-c", "git -c gc.auto=0 add generated && git -c gc.auto=0 commit -qm Same"],
                plain,
                _written(clone, plain),
            ),
        },
    )
    files = said(["git", "diff", "--name-only", "HEAD~1", "--", "generated"], clone).splitlines()
    return Section(
        f"Publish of {len(files):,} changed files",
        f"A label of {setting.sizes.published:,} models × {setting.sizes.environments} "
        "environments changes, and with it every object. The remote is a bare repository on "
        "the RAM disk. Beside it git alone stages and commits the same files, once they are there.",
        [against("`modelmill publish`: compile, commit, push", timings, PUBLISH, COMMIT)],
    )


def _clone(setting: Setting) -> Path:
    """A clone of a bare repository whose branch has the sources and all of generated/."""
    root, hub = setting.fleet(setting.sizes.published), setting.ram / "hub.git"
    run(["git", "init", "-q", "--bare", "-b", "main", hub], setting.ram)
    run(["git", "init", "-q", "-b", "main"], root)
    run(["git", "remote", "add", "origin", hub], root)
    run([*GIT, "add", "models", "presets", "overlays", "modelmill.yaml"], root)
    run([*GIT, "commit", "-qm", "Start"], root)
    run(["git", "push", "-q", "-u", "origin", "main"], root)
    run(setting.modelmill("publish"), root)
    run(["git", "pull", "-q"], root)
    return root


def _written(clone: Path, plain: Path) -> Callable[[], None]:
    """Bring what was just published into the other clone as files that git does not know yet."""

    def copy() -> None:
        run(["git", "pull", "-q"], clone)
        run(["cp", "-r", clone / "generated", plain], clone)

    return copy
