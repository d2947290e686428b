"""`python -m modelmill` and the `modelmill` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    from modelmill.cli import run

    # One command and out: what it makes are trees without cycles, so looking for cycles only costs
    # time (a tenth of a compile) and frees nothing.
    gc.disable()
    _leave(run(sys.argv[1:]))


def _leave(status: int) -> None:
    """End the process. Python would free every value before: an eighth of the time of a lint."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            sys.exit(status)
    os._exit(status)


if __name__ == "__main__":
    main()
