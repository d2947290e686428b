"""`python -m benchmarks.in_memory FOLDER [--bare]`: a compile that writes nothing.

In: a repository. Out: its seconds, in processor time of one core. With --bare nobody knows where a
value came from: no command leaves that out, so that this reaches into the compiler.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from modelmill import merge, syntax
from modelmill.compilation import compile_repository
from modelmill.repository import index
from modelmill.sources import read_sources


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.in_memory", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        if options.bare:
            nowhere = patch.object(syntax._Builder, "_place", lambda _self, _event: ("", 1, 1, 1))
            stack.enter_context(nowhere)
            stack.enter_context(patch.object(merge, "_replace", lambda _lower, upper: upper))
        start = time.process_time()
        compile_repository(index(read_sources(options.folder)))
        print(time.process_time() - start)


if __name__ == "__main__":
    main()
