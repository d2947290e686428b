"""`python -m fuzz TARGET… --seconds N`: fuzz targets in turn, and go on after what is found.

In: targets by name, all of them unless named. Out: what was found, one input for each place an
exception came from, below `--finds`; exit status 1 if there is any. A hang or too much memory ends
a target's turn, as libFuzzer does it. Each turn is a process of its own, forked from one that has
the package instrumented: that takes longer than many a turn.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
import traceback
from pathlib import Path
from tempfile import gettempdir
from typing import NoReturn

import atheris

with atheris.instrument_imports(include=["modelmill"]):
    from fuzz.targets import TARGETS

TEMPORARY = Path(gettempdir())
SLOW = 20
"""Seconds that no input of 10 kB may take, instrumented and on a busy machine."""
MEGABYTES = 2048
LIMITS = (f"-timeout={SLOW}", f"-rss_limit_mb={MEGABYTES}", "-max_len=10000")
TOLD = ("-report_slow_units=5", "-print_final_stats=1")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="of each turn")
    parser.add_argument("--until", default="", metavar="HH:MM", help="take turns until then")
    parser.add_argument("--corpus", type=Path, default=TEMPORARY / "modelmill-fuzz")
    parser.add_argument("--finds", type=Path, default=TEMPORARY / "modelmill-finds")
    given = parser.parse_args()
    failed = False
    while True:
        for name in given.targets or TARGETS:
            child = os.fork()
            if child == 0:
                _fuzz(name, given.seconds, given.corpus / name, given.finds / name)
            failed = os.waitpid(child, 0)[1] != 0 or failed
            if given.until and time.strftime("%H:%M") >= given.until:
                break
        if not given.until or time.strftime("%H:%M") >= given.until:
            return int(failed or any(given.finds.glob("*/*.txt")))


def _fuzz(name: str, seconds: int, corpus: Path, finds: Path) -> NoReturn:
    """One turn; libFuzzer ends the process."""
    target = TARGETS[name]
    corpus.mkdir(parents=True, exist_ok=True)
    finds.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    seen: set[str] = set()

    def once(data: bytes) -> None:
        try:
            target.check(data)
        except Exception as fault:
            where = _place(fault)
            if where not in seen:
                seen.add(where)
                _keep(finds, where, data, fault)
                print(f"FOUND {name}: {where}", file=sys.stderr, flush=True)

    print(f"TURN {name} {time.strftime('%T')}", file=sys.stderr, flush=True)
    options = [*LIMITS, *TOLD, f"-max_total_time={seconds}", f"-artifact_prefix={finds}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()
    raise SystemExit


def _keep(finds: Path, where: str, data: bytes, fault: Exception) -> None:
    name = hashlib.sha256(where.encode()).hexdigest()[:12]
    (finds / name).write_bytes(data)
    text = "".join(traceback.format_exception(fault))[-6000:]
    (finds / f"{name}.txt").write_text(f"{where}\n{text}", encoding="utf-8")


def _place(fault: Exception) -> str:
    """What was raised, and where: the same fault again is no further find."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [each for each in frames if "modelmill" in each.filename] or frames
    asked = [each for each in frames if "/fuzz/" in each.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return (
        f"{type(fault).__name__} at {place} by {Path(asked[-1].filename).name}:{asked[-1].lineno}"
    )


if __name__ == "__main__":
    sys.exit(main())
