"""Whole processes, timed in turn; and what they hold of memory.

In: commands, and what comes before each that is not counted. Out: seconds of every round, or bytes.
A figure alone says little on a machine that others share: so each round runs all commands, and
ratios are of the same round.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

Timings = Mapping[str, Sequence[float]]
"""Seconds of each round, by the name of a step."""

SAMPLED = 0.01
"""Seconds between two looks at memory."""


class Step(NamedTuple):
    """A command, where it runs, and what is done before it outside of the time."""

    argv: Sequence[str | Path]
    folder: Path
    before: Callable[[], object] = lambda: None


def environment() -> dict[str, str]:
    """What commands run in."""
    return {
        # As a user has them, modules are compiled once.
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        # Nobody's own settings of git.
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Bench" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "bench@example.com" for who in ("AUTHOR", "COMMITTER")},
    }


def in_turn(rounds: int, steps: Mapping[str, Step]) -> Timings:
    """Each round runs every step once."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(1, rounds + 1):
        for name, step in steps.items():
            step.before()
            start = time.perf_counter()
            run(step.argv, step.folder)
            seconds[name].append(time.perf_counter() - start)
            print(f"  {number}/{rounds} {name}: {seconds[name][-1]:.3f} s", file=sys.stderr)
    return seconds


def run(argv: Sequence[str | Path], folder: Path) -> None:
    """Run a command; what it prints is thrown away, unless it fails."""
    ran = subprocess.run(
        argv, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if ran.returncode:
        command = " ".join(map(str, argv))
        raise SystemExit(f"{command}\nexit status {ran.returncode}\n{ran.stderr.decode()[-2000:]}")


def said(argv: Sequence[str | Path], folder: Path) -> str:
    """What a command prints."""
    ran = subprocess.run(argv, cwd=folder, env=environment(), check=True, capture_output=True)
    return ran.stdout.decode().strip()


class Memory(NamedTuple):
    """Peaks in bytes. Pages that processes share count once in `together`."""

    largest: int
    together: int


def memory(argv: Sequence[str | Path], folder: Path) -> Memory:
    """Peak memory of a command: of its largest process, and of all of them at one moment."""
    together = 0
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(
        argv, cwd=folder, env=environment(), stdout=nowhere, stderr=nowhere
    ) as process:
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            together = max(together, sum(map(_held, _family(process.pid))))
            time.sleep(SAMPLED)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, argv))}: exit status {process.returncode}")
    return Memory(usage.ru_maxrss * 1024, together)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = "".join(f.read_text() for f in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return
    for child in children.split():
        yield from _family(int(child))


def _held(pid: int) -> int:
    """The proportional set size of a process; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
