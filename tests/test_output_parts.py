"""Several processes write generated/ as one: wholly, not at all, or known to be neither."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from modelmill.diagnostics import CompileError
from modelmill.filetree import Changes
from modelmill.output import (
    DIED,
    JOURNAL,
    LEDGER,
    Answer,
    Disk,
    Order,
    Part,
    Survey,
    Unit,
    add,
    contents,
    diagnose,
    ground,
    joined,
    lock,
    look_away,
    obey,
    summary,
    sweep,
    verified,
    write,
)
from modelmill.workers import Crew
from test_output import (
    FOREIGN,
    MARK,
    NEW,
    OLD,
    QUICK,
    THIRD,
    Fault,
    build,
    codes,
    content,
    disk_of,
    in_child,
    look,
    moments,
    old_tree,
    outcome,
    put,
    settle,
    tree_of,
)

MANY = {
    **NEW,
    **{f"m{n}": Unit({f"base/{n}.yaml": MARK, "x/y/z.json": f"[{n}]"}, "", ()) for n in range(7)},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return old_tree(tmp_path / "start")


@contextmanager
def several(
    root: Path, wanted: Mapping[str, Unit], disks: Sequence[Disk] = (QUICK,) * 3
) -> Iterator[tuple[Survey, Callable[[], Changes]]]:
    """A survey by as many processes as there are disks to write on, and their write."""
    own = Part(ground(root, "generated"))
    models = sorted(name for name in wanted if not name.startswith("_"))

    def work(part: Part, names: Sequence[str], disk: Disk) -> Iterator[Any]:
        for name in names:
            add(part, name, wanted[name])
        order = yield summary(part)
        part.disk = disk
        while True:
            order = yield obey(part, order)

    def here() -> Iterator[Any]:
        environments = [name for name in wanted if name.startswith("_")]
        yield from work(own, [*models[:: len(disks)], *environments], QUICK)

    parts = [
        partial(work, Part(own.ground), models[n :: len(disks)], disk)
        for n, disk in enumerate(disks)
    ]
    with Crew([here, *parts[1:]]) as crew:
        summaries = crew.first()[1:]
        sweep(own, wanted.keys())
        look_away(own)
        found = joined(own, summaries)

        def others(order: Order) -> Callable[[], list[Answer]]:
            waiting = crew.tell(order)
            return lambda: [DIED if each is None else each for each in waiting()]

        yield found, lambda: write(found, disks[0], others)


def written(root: Path, wanted: Mapping[str, Unit], disks: Sequence[Disk]) -> str:
    """What a write by several processes says if it is refused."""
    try:
        with several(root, wanted, disks) as (_, act):
            act()
    except CompileError as refusal:
        return str(refusal)
    return ""


def test_several_processes_find_what_one_does(root: Path) -> None:
    put(root, "a/plain.json", "edited")
    put(root, "stray.yaml", MARK)
    (root / "generated/prod").symlink_to("nowhere")
    for wanted in (OLD, NEW, THIRD, MANY):
        with several(root, wanted) as (found, _):
            alone = look(root, wanted)
            assert found._replace(part=None, hollow=()) == alone._replace(part=None, hollow=())
            assert sorted(found.hollow) == sorted(alone.hollow)
            assert diagnose(found) == diagnose(alone)


def test_several_processes_write_what_one_does(root: Path) -> None:
    for wanted in (MANY, OLD, NEW, {}, MANY):
        with several(root, wanted) as (found, act):
            changes = found.changes
            assert act() == changes
        assert tree_of(root) == content(wanted) | FOREIGN
        assert look(root, wanted).clean


def test_what_stands_in_the_way_of_one_process_stops_them_all(root: Path) -> None:
    put(root, "m5/base", "mine")
    before = tree_of(root)
    assert "m5/base was not written by modelmill" in written(root, MANY, (QUICK,) * 3)
    assert tree_of(root) == before


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("what", ["error", "half error", "interrupt after", "kill"])
def test_what_happens_to_one_process_is_rolled_back_in_all_or_told(
    root: Path, what: str, failing: int
) -> None:
    said = set()
    for at in range(1, 500):
        faults = [Fault({at: what} if n == failing else {}) for n in range(2)]
        ended = in_child(partial(tell, root, NEW, [each.disk for each in faults]))
        wait_for_all(root)
        refusal = (root / "said").read_text() if not ended else ""
        if not ended and not refusal:
            break
        said.add(refusal.rpartition("; ")[2])
        settle(root, THIRD if at % 2 else NEW, refusal)
        build(root, OLD)
    assert at > 20
    assert tree_of(root) == content(NEW) | FOREIGN
    restored, unfinished = (
        f"generated/ is {state}" for state in ("as it was before", "unfinished")
    )
    dies = "" if failing == 0 else unfinished
    assert said - {unfinished} == ({restored} if what != "kill" else {dies} - {unfinished})


def tell(root: Path, wanted: Mapping[str, Unit], disks: Sequence[Disk]) -> None:
    with lock(root):
        (root / "said").write_text(written(root, wanted, disks))


def wait_for_all(root: Path) -> None:
    """Until no process of a killed compile is left: the lock is held as long as one of them is."""
    for _ in range(1000):
        with suppress(CompileError), lock(root):
            return
        time.sleep(0.005)
    pytest.fail("a process is still running")


def test_a_process_that_fails_names_its_file_and_the_reason(root: Path) -> None:
    def step(name: str, act: Callable[..., Any], *args: Any) -> Any:
        if name == "write" and args[1] == b"[3]":
            raise OSError(errno.ENOSPC, "No space left on device")
        return act(*args)

    disks = (QUICK, disk_of(step), QUICK, disk_of(step))
    assert written(root, MANY, disks) == (
        "cannot write generated/m3/x/y/z.json: No space left on device; generated/ is as it was "
        "before"
    )
    assert tree_of(root) == content(OLD) | FOREIGN


def test_a_bug_of_ours_in_another_process_is_rolled_back_and_shown_as_one(root: Path) -> None:
    def step(name: str, act: Callable[..., Any], *args: Any) -> Any:
        return 1 // 0 if name == "write" and args[1] == b"[3]" else act(*args)

    with pytest.raises(ZeroDivisionError):
        written(root, MANY, (QUICK, disk_of(step), QUICK, disk_of(step)))
    assert tree_of(root) == content(OLD) | FOREIGN


def test_a_process_that_dies_leaves_a_tree_that_the_next_compile_heals(root: Path) -> None:
    def step(name: str, act: Callable[..., Any], *args: Any) -> Any:
        return os._exit(137) if name == "write" and args[1] == b"[3]" else act(*args)

    said = written(root, MANY, (QUICK, disk_of(step), QUICK, disk_of(step)))
    assert said.endswith("generated/ is unfinished")
    assert f"O605 generated/{JOURNAL}" in codes(diagnose(look(root, MANY)))
    assert written(root, MANY, (QUICK,) * 3) == ""
    assert tree_of(root) == content(MANY) | FOREIGN


# Contents put aside


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelmill.output.kept.BOUND", 50)


@pytest.mark.usefixtures("little_memory")
def test_what_does_not_fit_into_memory_is_written_and_rolled_back_alike(root: Path) -> None:
    for at in moments(root):
        refusal = outcome(root, NEW, Fault({at: "half error"}))
        settle(root, THIRD if at % 2 else NEW, refusal)
    build(root, MANY)
    assert tree_of(root) == content(MANY) | FOREIGN


@pytest.mark.usefixtures("little_memory")
def test_a_full_temporary_folder_is_told_and_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(root / "absent"))
    with pytest.raises(CompileError, match=r"^cannot keep in a temporary file what is to be wr"):
        build(root, NEW)
    assert tree_of(root) == content(OLD) | FOREIGN


# A unit that is just what its ledger says


def mark_of(unit: Unit) -> str:
    return sha256(contents(unit)[LEDGER]).hexdigest()


def test_a_unit_is_known_by_its_ledger_alone(root: Path) -> None:
    for name, unit in OLD.items():
        if name != "_environments/prod":
            assert not verified(root, "generated", name, mark_of(NEW.get(name, THIRD["d"])))
        foreign = any(path.startswith(f"{name}/") for path in FOREIGN)
        assert verified(root, "generated", name, mark_of(unit)) == (not foreign)


def drifts() -> dict[str, Callable[[Path], object]]:
    """What may have happened to a unit."""
    return {
        "edited": lambda unit: (unit / "base/k.yaml").write_text(MARK + "x"),
        "longer": lambda unit: (unit / "base/k.yaml").write_text(MARK * 2),
        "emptied": lambda unit: (unit / "plain.json").write_text(""),
        "missing": lambda unit: (unit / "plain.json").unlink(),
        "extra file": lambda unit: (unit / "base/more").write_text(""),
        "extra ledger": lambda unit: (unit / "base" / LEDGER).write_text("{}"),
        "extra folder": lambda unit: (unit / "base/more").mkdir(),
        "link to the same": lambda unit: link(unit / "plain.json"),
        "link in the way": lambda unit: link(unit / "base"),
        "link for the unit": lambda unit: link(unit),
        "link for generated": lambda unit: link(unit.parent),
        "pipe": lambda unit: ((unit / "plain.json").unlink(), os.mkfifo(unit / "plain.json")),
        "folder for a file": lambda unit: (
            (unit / "plain.json").unlink(),
            (unit / "plain.json").mkdir(),
        ),
        "ledger edited": lambda unit: (unit / LEDGER).write_text((unit / LEDGER).read_text() + " "),
        "no ledger": lambda unit: (unit / LEDGER).unlink(),
        "no unit": lambda unit: unit.rename(unit.with_name("other")),
        "no generated": lambda unit: unit.parent.rename(unit.parent.with_name("other")),
    }


def link(place: Path) -> None:
    place.rename(place.with_name("away"))
    place.symlink_to("away")


@pytest.mark.parametrize("what", drifts())
def test_a_unit_that_drifted_is_not_what_its_ledger_says(tmp_path: Path, what: str) -> None:
    unit = OLD["b"]
    build(tmp_path, {"b": unit})
    assert verified(tmp_path, "generated", "b", mark_of(unit))
    drifts()[what](tmp_path / "generated/b")
    assert not verified(tmp_path, "generated", "b", mark_of(unit))


def test_a_ledger_that_cannot_be_read_vouches_for_nothing(tmp_path: Path) -> None:
    for text in ("", "[]", '{"files": {"a": 1}}'):
        put(tmp_path, f"m/{LEDGER}", text)
        assert not verified(tmp_path, "generated", "m", sha256(text.encode()).hexdigest())
