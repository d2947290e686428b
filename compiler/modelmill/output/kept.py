"""Contents put aside in order: in memory up to a bound, beyond it in a temporary file with no name.

In: bytes, all of them before the first is asked for. Out: the same bytes, by number.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from typing import IO

from modelmill.diagnostics import CompileError, error

BOUND = 32 << 20
"""So many bytes stay in memory; a first compile of 10,000 models puts 200 MB aside."""


class Kept:
    """Contents, numbered from 0."""

    def __init__(self) -> None:
        self._recent: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._ends = array("Q", (0,))
        """Where each content that went to the file ends there."""

    def extend(self, contents: Iterable[bytes]) -> None:
        before = len(self._recent)
        self._recent.extend(contents)
        self._size += sum(map(len, self._recent[before:]))
        if self._size > BOUND:
            self._spill()

    def __getitem__(self, at: int) -> bytes:
        if self._file is None:
            return self._recent[at]
        spilled = len(self._ends) - 1
        if at >= spilled:
            return self._recent[at - spilled]
        start, end = self._ends[at], self._ends[at + 1]
        # Other than a shared position in the file, an offset survives any order of asking.
        return os.pread(self._file.fileno(), end - start, start)

    def _spill(self) -> None:
        from tempfile import TemporaryFile  # costs 10 ms, which few compiles need to spend

        try:
            self._file = self._file or TemporaryFile()  # noqa: SIM115
            self._file.writelines(self._recent)
            self._file.flush()
        except OSError as reason:
            message = f"cannot keep in a temporary file what is to be written: {reason.strerror}"
            raise CompileError([error("O609", message)]) from reason
        for content in self._recent:
            self._ends.append(self._ends[-1] + len(content))
        self._recent, self._size = [], 0
