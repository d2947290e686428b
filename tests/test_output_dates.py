"""Dates tell every change of a file that comes later than they are believed from."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelmill.stamps import TICK, WIDTH, paths_of, settled, taken, unchanged

PATHS = [".", "m", "m/base", "m/base/a.yaml", "m/b.json"]


@pytest.fixture
def generated(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "m/base").mkdir(parents=True)
    (tmp_path / "m/base/a.yaml").write_text("a: 1\n")
    (tmp_path / "m/b.json").write_text("{}")
    for path in PATHS:
        os.utime(tmp_path / path, ns=(1, 1))
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield folder
    os.close(folder)


def edited_in_place_with_its_old_date(root: Path) -> None:
    (root / "m/base/a.yaml").write_text("a: 2\n")
    os.utime(root / "m/base/a.yaml", ns=(1, 1))


def replaced_by_an_equal_file(root: Path) -> None:
    (root / "m/new").write_text("{}")
    (root / "m/new").replace(root / "m/b.json")


def replaced_by_a_link_to_an_equal_file(root: Path) -> None:
    (root / "m/b.json").rename(root / "b.json")
    (root / "m/b.json").symlink_to("../b.json")


CHANGES: list[Callable[[Path], object]] = [
    edited_in_place_with_its_old_date,
    replaced_by_an_equal_file,
    replaced_by_a_link_to_an_equal_file,
    lambda root: (root / "m/b.json").unlink(),
    lambda root: (root / "m/base/more").write_text(""),
    lambda root: (root / "more").mkdir(),
    lambda root: (root / "m/b.json").chmod(0o755),
    lambda root: (root / "m").rename(root / "n"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_told(
    tmp_path: Path, generated: int, change: Callable[[Path], object]
) -> None:
    before = taken(generated, PATHS)
    assert before is not None
    assert unchanged(generated, PATHS, before)
    change(tmp_path)
    assert not unchanged(generated, PATHS, before)


def test_what_is_not_there_has_no_stamp(generated: int) -> None:
    assert taken(generated, ["m/absent"]) is None


def test_fewer_stamps_than_paths_tell_nothing(generated: int) -> None:
    before = taken(generated, PATHS)
    assert before is not None
    assert not unchanged(generated, PATHS, before[:-WIDTH])
    assert not unchanged(generated, PATHS[:-1], before)


@pytest.mark.parametrize("column", [0, 1])
def test_dates_are_believed_only_from_a_moment_after_the_last_change(column: int) -> None:
    numbers = [5, 5, 0, 1, 0o100644] * 2
    numbers[5 + column] = 1_000_000_000
    dates = struct.pack("<10Q", *numbers)
    assert not settled(dates, 0)
    assert not settled(dates, 1_000_000_000)
    assert not settled(dates, 1_000_000_000 + TICK)
    assert settled(dates, 1_000_000_001 + TICK)


def test_folders_are_among_the_paths_as_they_tell_what_came_and_went() -> None:
    found = paths_of(["base/a.yaml", "x/y/z.json", "modelmill.json"])
    assert found == ["", "base", "x", "x/y", "base/a.yaml", "x/y/z.json", "modelmill.json"]
