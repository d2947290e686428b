"""What the fuzzer begins with: the inputs of this repository's own tests and models.

Out: texts and documents. Nothing is fetched; what other tools made is read only where it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT.parent / "shared" / "conformance"
SMALL = 10_000
"""Bytes; what is larger is slow to run and seldom finds more."""

sys.path.insert(0, str(ROOT / "tests"))


def sources() -> Iterator[bytes]:
    """Input files of this repository, and one of every story that must fail."""
    for pattern in ("models/*.yaml", "presets/**/*.yaml", "tests/corpus/bad/*/models/*.yaml"):
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file() and file.stat().st_size < SMALL:
                yield file.read_bytes()


@cache
def documents_of(pattern: str) -> tuple[Any, ...]:
    """Documents of other tools, by a pattern below the reference material."""
    found: list[Any] = []
    for file in sorted(REFERENCE.glob(pattern)):
        if file.stat().st_size < SMALL:
            try:
                found += yaml.load_all(file.read_bytes(), yaml.CSafeLoader)
            except (yaml.YAMLError, ValueError):
                continue
    return tuple(each for each in found if isinstance(each, dict))


def choices(many: int) -> Iterator[bytes]:
    """Inputs for a target that draws: each of its documents, bent in a few ways."""
    for which in range(min(many, 256)):
        for act in range(0, 8, 2):
            yield bytes([which, 3, *(37 * (which + n) % 256 for n in range(6)), act, which, act])
