"""The targets of the fuzzer, on what it begins with. `make fuzz` goes on from there."""

from __future__ import annotations

import pytest
from fuzz.draw import Draw, bent
from fuzz.targets import TARGETS

MOST = 60
"""Seeds of a target that are run here, evenly taken."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with_holds(name: str) -> None:
    seeds = list(TARGETS[name].seeds())
    for seed in seeds[:: len(seeds) // MOST + 1]:
        TARGETS[name].check(seed)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 40, bytes(range(256))], ids=repr)
def test_any_bytes_are_an_input(name: str, data: bytes) -> None:
    TARGETS[name].check(data)


def test_bytes_that_are_spent_change_nothing() -> None:
    document = {"a": [1, {"b": "c"}], "d": None}
    assert bent(document, Draw(b"")) == document
    assert bent(document, Draw(b"\0\0\0\5")) != document
    assert document == {"a": [1, {"b": "c"}], "d": None}
