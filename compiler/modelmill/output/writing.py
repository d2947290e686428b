"""Turns generated/ into what is wanted, wholly or not at all.

In: a `Survey`. Out: the changes made. A journal file tells every later survey that a write is under
way; it names the paths beforehand, so that whatever a killed process leaves there is known as ours.
An error or an interrupt is undone from memory. What the survey did not find ours is never touched.

Changed files are rewritten in place: on ext4 truncating or renaming over them is ten times slower.
"""

from __future__ import annotations

import os
from typing import NoReturn

from modelmill.diagnostics import CompileError, Span, error
from modelmill.filetree import Changes
from modelmill.output.acts import (
    Act,
    Work,
    close_all,
    create,
    enter,
    enter_generated,
    open_new,
    remove,
    remove_folder,
    rewrite,
)
from modelmill.output.disk import APPEND, DISK, Disk, write_all
from modelmill.output.findings import COMPILE, obstacles
from modelmill.output.ledger import JOURNAL, is_ledger
from modelmill.output.state import Survey


def write(survey: Survey, disk: Disk = DISK) -> Changes:
    """Perform what the survey found to do."""
    in_the_way = obstacles(survey)
    if in_the_way:
        raise CompileError(in_the_way)
    work = Work(survey, disk, [], [], [], [""])
    try:
        if survey.changes or survey.hollow:
            _change(work)
        if work.folders or survey.unfinished:
            _end(work)
    finally:
        close_all(work)
    return survey.changes


def _change(work: Work) -> None:
    """Everything between the two ends of the journal; put back as it was if that fails."""
    try:
        enter_generated(work)
        _begin(work)
        for act, path in _order(work.survey):
            work.at[0] = path
            act(work, path)
    except BaseException as reason:
        restored = _roll_back(work) and not work.survey.unfinished
        if isinstance(reason, OSError | KeyboardInterrupt):
            _fail(work, reason, restored=restored)
        raise


def _begin(work: Work) -> None:
    """Write the journal, the one file that must be on the disk before anything else changes."""
    changes = work.survey.changes
    lines = [f'"{path}"\n' for paths in changes for path in paths]
    work.at[0] = JOURNAL
    if work.survey.unfinished:
        lines.insert(0, "\n")  # the earlier journal may end in a torn line
        fd = work.disk.open(JOURNAL, APPEND, enter(work, ""))
    else:
        fd = open_new(work, JOURNAL)
    try:
        write_all(work.disk, fd, os.fsencode("".join(lines)))
        work.disk.fsync(fd)
    finally:
        work.disk.close(fd)


def _end(work: Work) -> None:
    """Remove the journal, unless it also speaks of units outside this write's scope.

    All files are in place: from here on there is nothing to roll back.
    """
    if work.survey.unfinished_elsewhere:
        return
    work.at[0] = JOURNAL
    try:
        enter_generated(work)
        work.disk.unlink(JOURNAL, enter(work, ""))
    except (OSError, KeyboardInterrupt) as reason:
        _fail(work, reason, restored=False)


def _order(survey: Survey) -> list[tuple[Act, str]]:
    """Each act with its path. Only what stands in the way is deleted before the writing: a disk
    found full while writing is then rolled back without having to find room for deleted files."""
    clear = _clearances(survey)
    put: list[tuple[Act, str]] = [(create, path) for path in survey.missing]
    put += [(rewrite, path) for path in survey.changes.changed]
    orphaned = sorted(survey.orphaned, key=is_ledger)
    return [
        *((remove, path) for path in orphaned if path in clear),
        *((remove_folder, path) for path in survey.hollow if path in clear),
        *((act, path) for act, path in put if not is_ledger(path)),
        *((remove, path) for path in orphaned if path not in clear),
        *((remove_folder, path) for path in survey.hollow if path not in clear),
        *((act, path) for act, path in put if is_ledger(path)),
    ]


def _clearances(survey: Survey) -> frozenset[str]:
    """What must go before the missing files can be made: a file that stands where they need a
    directory, a directory that stands where one of them belongs, and all in it."""
    if not survey.orphaned and not survey.hollow:
        return frozenset()
    missing = frozenset(survey.missing)
    above = frozenset(parent for path in missing for parent in _ancestors(path))
    return frozenset(
        path
        for path in (*survey.orphaned, *survey.hollow)
        if path in above or path in missing or not missing.isdisjoint(_ancestors(path))
    )


def _ancestors(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def _roll_back(work: Work) -> bool:
    """Undo what was done, last first, as far as the disk lets us; true if that was everything."""
    whole = True
    for undo, path in reversed(work.undo):
        if path == JOURNAL and not whole:
            continue
        try:
            undo(work, path)
        except (OSError, KeyboardInterrupt):
            whole = False
    return whole


def _fail(work: Work, reason: OSError | KeyboardInterrupt, *, restored: bool) -> NoReturn:
    generated = work.survey.generated
    place = f"{generated}/{work.at[0]}" if work.at[0] else generated
    why = "interrupted"
    if isinstance(reason, OSError):
        why = reason.strerror or "input/output error"
    if restored:
        state, hint = f"{generated}/ is as it was before", ""
    else:
        state, hint = f"{generated}/ is unfinished", f"{COMPILE} again, which completes it"
    message = f"cannot write {place}: {why}; {state}"
    raise CompileError([error("O609", message, Span(place, 1, 1), hint)]) from reason
