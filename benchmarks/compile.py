"""Cold compile of a repository beside `cp -r` of its output, in one run, interleaved.

    python benchmarks/compile.py [--models 1000] [--environments 3] [--rounds 5] [--folder /dev/shm]

Prints the median of each, and the ratio within each round, as whole-process wall time.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fleet import write_fleet


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = Path(folder) / "repository"
        write_fleet(root, models=options.models, environments=options.environments)
        rounds = [_round(root, Path(folder)) for _ in range(options.rounds)]
    for name in rounds[0]:
        figures = [each[name] for each in rounds]
        ratios = [each[name] / each["cp -r"] for each in rounds]
        print(
            f"{name:24} {statistics.median(figures):7.3f} s"
            f"   x cp -r: {statistics.median(ratios):5.2f} [{min(ratios):.2f}..{max(ratios):.2f}]"
        )


def _round(root: Path, folder: Path) -> dict[str, float]:
    compile_ = [sys.executable, "-m", "modelmill", "-C", str(root), "compile"]
    generated, copy = root / "generated", folder / "copy"
    figures = {}
    for name, jobs in (("compile, one core", "1"), ("compile, all cores", None)):
        shutil.rmtree(generated, ignore_errors=True)
        figures[name] = _time([*compile_, *(["-j", jobs] if jobs else [])])
    figures["compile --check"] = _time([*compile_, "--check"])
    figures["cp -r"] = _time(["cp", "-r", str(generated), str(copy)])
    shutil.rmtree(copy)
    return figures


def _time(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True)
    return time.perf_counter() - start


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default="/dev/shm")
    return parser.parse_args()


if __name__ == "__main__":
    main()
