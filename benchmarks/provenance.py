"""What it costs to know where every value came from: one compile in memory with places and history,
and one without, in turn.

    python benchmarks/provenance.py [--models 1000] [--rounds 5]

Prints the median of the ratio within each round, in processor time of one core.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from fleet import write_fleet

from modelmill import merge, syntax
from modelmill.pipeline import compile_repository
from modelmill.repository import index
from modelmill.sources import read_sources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        write_fleet(root, models=options.models, environments=3)
        _compile(root)
        ratios = [_compile(root) / _without_provenance(root) for _ in range(options.rounds)]
    print(f"with / without: {statistics.median(ratios):.3f} [{min(ratios):.3f}..{max(ratios):.3f}]")


def _compile(root: Path) -> float:
    start = time.process_time()
    compile_repository(index(read_sources(root)))
    return time.process_time() - start


def _without_provenance(root: Path) -> float:
    place, replace = syntax._Builder._place, merge._replace
    syntax._Builder._place = lambda _self, _event: ("", 1, 1, 1)  # type: ignore[method-assign]
    merge._replace = lambda _lower, upper: upper
    try:
        return _compile(root)
    finally:
        syntax._Builder._place, merge._replace = place, replace  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
