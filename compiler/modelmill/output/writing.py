"""Turns generated/ into what is wanted, wholly or not at all, in one process or in many.

In: a `Survey`. Out: the changes made. A journal file tells every later survey that a write is under
way; it names the paths beforehand, so that whatever a killed process leaves there is known as ours.
An error or an interrupt is undone from what was put aside. What the survey did not find ours is
never touched.

Each process writes its own part, by order of the one that has the journal: "put" all that is wanted
but ledgers, "settle" what is left to delete and the ledgers, or "undo" everything. Nothing is
deleted before all has been put, but what stands in the way: a disk found full while writing is then
rolled back without having to find room for deleted files.

Changed files are rewritten in place: on ext4 truncating or renaming over them is ten times slower.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Literal, NoReturn

from modelmill.diagnostics import CompileError, Span, error
from modelmill.filetree import Changes
from modelmill.output.acts import (
    Act,
    close_all,
    create,
    enter,
    enter_generated,
    remove,
    remove_folder,
    rewrite,
)
from modelmill.output.disk import APPEND, CREATE, DISK, Disk, write_all
from modelmill.output.findings import COMPILE, obstacles
from modelmill.output.ledger import JOURNAL, is_ledger
from modelmill.output.state import Part, Survey
from modelmill.tuples import NamedTuple

Order = Literal["put", "settle", "undo"]


class Answer(NamedTuple):
    """How far a process came with an order: what stopped it, at which path; and, where it undid
    what it had done, whether that is wholly undone."""

    at: str = ""
    reason: BaseException | None = None
    restored: bool = True


DIED = Answer("", OSError(0, "a process that was writing has died"), restored=False)
"""What is said for a process that can say nothing any more."""

_ONWARD: tuple[Order, ...] = ("put", "settle")

Others = Callable[[Order], Callable[[], Sequence[Answer]]]
"""Gives all other processes an order; what it returns waits until each has answered."""


def _nobody(_: Order) -> Callable[[], Sequence[Answer]]:
    return tuple


AT_ONCE = 10_000
"""Paths of the journal in memory a second time; there may be hundreds of thousands."""


def write(survey: Survey, disk: Disk = DISK, others: Others = _nobody) -> Changes:
    """Perform what the survey found to do: this process its part, all others theirs."""
    in_the_way = obstacles(survey)
    if in_the_way:
        raise CompileError(in_the_way)
    if survey.part is None:
        raise ValueError("no folder on a disk was looked at")
    part, changes = survey.part, survey.changes
    part.disk, part.undo = disk, []
    try:
        if changes or survey.hollow:
            _change(part, survey, changes, others)
        if part.entered or survey.unfinished:
            _end(part, survey)
    finally:
        close_all(part)
    return changes


def _change(part: Part, survey: Survey, changes: Changes, others: Others) -> None:
    """Everything between the two ends of the journal; put back as it was if that fails."""
    begun: list[str] = []
    try:
        enter_generated(part)
        _begin(part, survey, changes, begun)
        for order in _ONWARD:
            waiting = others(order)
            for answer in (obey(part, order), *waiting()):
                if answer.reason is not None:
                    part.at = answer.at
                    raise answer.reason
    except BaseException as reason:
        at = part.at
        restored = _roll_back(part, others, begun) and not survey.unfinished
        if isinstance(reason, OSError | KeyboardInterrupt):
            _fail(survey, at, reason, restored=restored)
        raise


def _begin(part: Part, survey: Survey, changes: Changes, begun: list[str]) -> None:
    """Write the journal, the one file that must be on the disk before anything else changes."""
    paths = [path for listed in changes for path in listed]
    part.at = JOURNAL
    top = enter(part, "")
    if survey.unfinished:
        fd = part.disk.open(JOURNAL, APPEND, top)
    else:
        begun.append(JOURNAL)
        try:
            fd = part.disk.open(JOURNAL, CREATE, top)
        except OSError:
            begun.pop()
            raise
    try:
        # The earlier journal may end in a torn line.
        before = "\n" if survey.unfinished else ""
        for start in range(0, len(paths), AT_ONCE):
            lines = [f'"{path}"\n' for path in paths[start : start + AT_ONCE]]
            write_all(part.disk, fd, os.fsencode(before + "".join(lines)))
            before = ""
        part.disk.fsync(fd)
    finally:
        part.disk.close(fd)


def _end(part: Part, survey: Survey) -> None:
    """Remove the journal, unless it also speaks of units outside this write's scope.

    All files are in place: from here on there is nothing to roll back.
    """
    if survey.unfinished_elsewhere:
        return
    part.at = JOURNAL
    try:
        enter_generated(part)
        part.disk.unlink(JOURNAL, enter(part, ""))
    except (OSError, KeyboardInterrupt) as reason:
        _fail(survey, JOURNAL, reason, restored=False)


def obey(part: Part, order: Order) -> Answer:
    """What one process does of a write. Whatever stops it is in the answer."""
    try:
        if order == "undo":
            return Answer(restored=_undo(part))
        enter_generated(part)
        for act, at in _acts(part, is_last=order == "settle"):
            act(part, at)
    except BaseException as reason:
        return Answer(part.at, reason, restored=False)
    return Answer()


def _acts(part: Part, *, is_last: bool) -> Iterator[tuple[Act, int]]:
    """The acts before all has been put, or those after it; each unit's ledger is its last."""
    clear = _clearances(part)
    orphaned = sorted(enumerate(part.found["orphaned"]), key=lambda each: is_ledger(each[1]))
    yield from ((remove, at) for at, path in orphaned if (path not in clear) == is_last)
    hollow = enumerate(part.hollow)
    yield from ((remove_folder, at) for at, path in hollow if (path not in clear) == is_last)
    missing, changed = enumerate(part.found["missing"]), enumerate(part.changed)
    yield from ((create, at) for at, path in missing if is_ledger(path) == is_last)
    yield from ((rewrite, at) for at, path in changed if is_ledger(path) == is_last)


def _clearances(part: Part) -> frozenset[str]:
    """What must go before the missing files can be made: a file that stands where they need a
    directory, a directory that stands where one of them belongs, and all in it."""
    going = (*part.found["orphaned"], *part.hollow)
    if not going:
        return frozenset()
    missing = frozenset(part.found["missing"])
    above = frozenset(parent for path in missing for parent in _ancestors(path))
    return frozenset(
        path
        for path in going
        if path in above or path in missing or not missing.isdisjoint(_ancestors(path))
    )


def _ancestors(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def _undo(part: Part) -> bool:
    """Undo what was done, last first, as far as the disk lets us; true if that was everything."""
    whole = True
    for undo, at in reversed(part.undo):
        try:
            undo(part, at)
        except (OSError, KeyboardInterrupt):
            whole = False
    return whole


def _roll_back(part: Part, others: Others, begun: list[str]) -> bool:
    """Have every process undo its part, and drop the journal if nothing is left of the write."""
    try:
        waiting = others("undo")
        if not all(answer.restored for answer in (obey(part, "undo"), *waiting())):
            return False
        for name in begun:
            with suppress(FileNotFoundError):
                part.disk.unlink(name, enter(part, ""))
    except (OSError, KeyboardInterrupt):
        return False
    return True


def _fail(
    survey: Survey, at: str, reason: OSError | KeyboardInterrupt, *, restored: bool
) -> NoReturn:
    generated = survey.generated
    place = f"{generated}/{at}" if at else generated
    why = "interrupted"
    if isinstance(reason, OSError):
        why = reason.strerror or "input/output error"
    if restored:
        state, hint = f"{generated}/ is as it was before", ""
    else:
        state, hint = f"{generated}/ is unfinished", f"{COMPILE} again, which completes it"
    message = f"cannot write {place}: {why}; {state}"
    raise CompileError([error("O609", message, Span(place, 1, 1), hint)]) from reason
