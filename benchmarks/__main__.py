"""`python -m benchmarks [FAMILY…]`: measure; all families at full size are written to RESULTS.md.

In: which families, how many rounds, where. Out: tables on standard output, progress on the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import FAMILIES
from benchmarks.fleet import HERE
from benchmarks.machine import describe, file_system
from benchmarks.setting import SCALES, Setting, found
from modelmill.cachefile import FOLDER

RESULTS = HERE / "RESULTS.md"
RAM = Path("/dev/shm")
DISK = Path("/var/tmp")
HEAD = """\
# Results of `make bench`

Every ratio is of two commands that ran in the same round, one after the other, on the RAM disk:
the median of {rounds} rounds, and the range. Times are of whole processes. The repositories are
those of `fleet.py`; what each row does stands in `cases/`.

"""


def main() -> None:
    options = _options()
    sizes = SCALES[options.scale]
    _refuse_the_disk(options.folder, sizes.gigabytes)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as ram,
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.disk) as disk,
    ):
        # What compiles keep is kept where everything else is.
        os.environ[FOLDER] = str(Path(ram) / "cache")
        setting = Setting(
            sizes,
            options.rounds,
            Path(ram),
            Path(disk),
            options.full,
            found("helm"),
            found("kubectl"),
        )
        text = HEAD.format(rounds=options.rounds) + describe(setting)
        for family in options.family or FAMILIES:
            print(family, file=sys.stderr)
            section = FAMILIES[family].measured(setting).text()
            print(section, flush=True)
            text += f"\n{section}"
    if options.scale == "full" and not options.family:
        RESULTS.write_text(text)


def _refuse_the_disk(folder: Path, gigabytes: int) -> None:
    if not folder.is_dir() or file_system(folder) not in ("tmpfs", "ramfs"):
        sys.exit(f"bench: {folder} is no RAM disk; name one with --folder")
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        sys.exit(f"bench: {folder} has {free:.1f} GB left; {gigabytes} are needed")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("family", nargs="*", choices=[[], *FAMILIES], help=f"{', '.join(FAMILIES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", choices=SCALES, default="full", help="small: to try it out")
    parser.add_argument("--full", action="store_true", help="run loops of helm and kubectl whole")
    parser.add_argument("--folder", type=Path, default=RAM, help="a RAM disk")
    parser.add_argument("--disk", type=Path, default=DISK, help="a folder on a disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()
