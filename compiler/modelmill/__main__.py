"""`python -m modelmill` and the `modelmill` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    from modelmill.cli import run

    # One command and out: what it makes are trees without cycles, so looking for cycles only costs
    # time (a tenth of a compile) and frees nothing.
    gc.disable()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
