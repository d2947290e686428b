"""Reads generated/ and says how it differs from what is wanted.

In: the wanted units and the folder. Out: a `Survey` that puts every path into one class and holds
what a write needs. Nothing is written, no symbolic link is followed, and no file is believed
unchanged by its date: every byte is compared.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from modelmill.diagnostics import CompileError, Span, error
from modelmill.output.disk import DISK, FOLDER, Disk, Kind, holds, read_file, read_start
from modelmill.output.ledger import (
    ENVIRONMENTS,
    JOURNAL,
    LEDGER,
    Node,
    Unit,
    is_unit,
    nest,
    read_ledger,
    refuse_unclean,
    unit_of,
)
from modelmill.output.ownership import Holder, at_wanted_path, begins_as_ours
from modelmill.output.state import Old, Survey

_State = Literal[
    "unchanged", "missing", "stale", "edited", "orphaned", "foreign", "blocked", "linked"
]


class _Look(NamedTuple):
    """A survey in the making."""

    disk: Disk
    generated: str
    within: frozenset[str] | None
    journal: set[str]
    found: dict[_State, list[str]]
    hollow: list[str]
    old: dict[str, Old]
    new: dict[str, bytes]

    def note(self, state: _State, path: str) -> None:
        self.found.setdefault(state, []).append(path)

    def paths(self, state: _State) -> tuple[str, ...]:
        return tuple(sorted(self.found.get(state, ())))


class _Place(NamedTuple):
    """An entry found: its open directory, its name there and its path below generated/."""

    folder: int
    name: str
    path: str


def survey(
    root: Path,
    generated: str,
    wanted: Mapping[str, Unit],
    scope: Collection[str] | None = None,
    disk: Disk = DISK,
    ours: Collection[str] = (),
) -> Survey:
    """Compare `root/generated` with what is wanted there, in all units or in those of the scope.
    `ours`: paths below it that modelmill wrote, whatever they hold by now."""
    refuse_unclean(generated)
    units = wanted if scope is None else {n: unit for n, unit in wanted.items() if n in scope}
    node = nest(units)
    within = None if scope is None else frozenset(scope) | {u.partition("/")[0] for u in scope}
    look = _Look(disk, generated, within, set(ours), {}, [], {}, {})
    try:
        unfinished = _look_into(look, root, node)
    except OSError as reason:
        raise _unreadable(look, "", reason) from reason
    elsewhere = within is not None and any(unit_of(path) not in within for path in look.journal)
    return _survey_of(look, root, unfinished, elsewhere)


def _survey_of(look: _Look, root: Path, unfinished: bool, elsewhere: bool) -> Survey:
    return Survey(
        root=root,
        generated=look.generated,
        unchanged=look.paths("unchanged"),
        missing=look.paths("missing"),
        stale=look.paths("stale"),
        edited=look.paths("edited"),
        orphaned=look.paths("orphaned"),
        foreign=look.paths("foreign"),
        blocked=look.paths("blocked"),
        linked=look.paths("linked"),
        unfinished=unfinished,
        unfinished_elsewhere=elsewhere,
        hollow=tuple(look.hollow),
        old=look.old,
        new=look.new,
    )


def _look_into(look: _Look, root: Path, node: Node) -> bool:
    """Classify all there is; true if an earlier write is unfinished."""
    top = _open_generated(look, root, node)
    if top is None:
        return False
    try:
        unfinished = _read_journal(look, top)
        _visit(look, top, "", node, Holder("", None))
    finally:
        look.disk.close(top)
    return unfinished


def _open_generated(look: _Look, root: Path, node: Node) -> int | None:
    """The open folder; None where it is absent (all is missing) or is no directory of its own."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in look.generated.split("/"):
        parent = fd
        try:
            kind = look.disk.kind(name, parent)
            if kind != "folder":
                _miss(look, "", node) if kind is None else _obstruct(look, "", kind)
                return None
            fd = look.disk.open(name, FOLDER, parent)
        finally:
            look.disk.close(parent)
    return fd


def _read_journal(look: _Look, top: int) -> bool:
    """Whether a write is unfinished; fills in the paths it was about, which makes them ours."""
    kind = look.disk.kind(JOURNAL, top)
    if kind == "file":
        lines = os.fsdecode(_hold(look, _Place(top, JOURNAL, JOURNAL)).data).split("\n")
        # An entry is whole only between its quotes: the last one may be torn.
        look.journal.update(line[1:-1] for line in lines if line[:1] == '"' == line[1:][-1:])
    elif kind is not None:
        _obstruct(look, JOURNAL, kind)
    return kind == "file"


def _visit(look: _Look, folder: int, path: str, node: Node, holder: Holder) -> bool:
    """Classify what a directory holds; true if something in it stays after a write."""
    entries = look.disk.entries(folder)
    if is_unit(path):
        holder = Holder(path, _read_recorded(look, folder, path, entries))
    stays = bool(node)
    for name, kind in entries.items():
        place = _Place(folder, name, f"{path}/{name}" if path else name)
        if _is_apart(look, path, place.path):
            stays = True
            continue
        try:
            stays |= _judge(look, place, kind, node.get(name), holder)
        except OSError as reason:
            raise _unreadable(look, place.path, reason) from reason
    for name in node.keys() - entries.keys():
        _miss(look, f"{path}/{name}" if path else name, node[name])
    return stays


def _is_apart(look: _Look, parent: str, path: str) -> bool:
    """Whether an entry is none of this survey's business."""
    if parent not in ("", ENVIRONMENTS):
        return False
    # `.git`: rendered manifests are often a branch of their own, checked out at generated/.
    return path in (".git", JOURNAL) or (look.within is not None and path not in look.within)


def _judge(
    look: _Look, place: _Place, kind: Kind, want: bytes | Node | None, holder: Holder
) -> bool:
    """Classify one entry; true if it stays."""
    if kind == "folder":
        return _descend(look, place, want, holder)
    if kind != "file":
        look.note("foreign", place.path) if want is None else _obstruct(look, place.path, kind)
        return True
    if isinstance(want, bytes):
        _compare(look, place, want, holder)
        return True
    return _claim(look, place, want, holder)


def _descend(look: _Look, place: _Place, want: bytes | Node | None, holder: Holder) -> bool:
    try:
        folder = look.disk.open(place.name, FOLDER, place.folder)
    except PermissionError:
        if want is not None:
            raise
        look.note("foreign", place.path)
        return True
    try:
        stays = _visit(look, folder, place.path, want if isinstance(want, dict) else {}, holder)
    finally:
        look.disk.close(folder)
    if not stays:
        look.hollow.append(place.path)
    if isinstance(want, bytes):
        look.note("blocked", place.path) if stays else _miss(look, place.path, want)
    return stays


def _compare(look: _Look, place: _Place, want: bytes, holder: Holder) -> None:
    """Classify a file at a wanted path."""
    if holds(look.disk, place.name, place.folder, want):
        look.note("unchanged", place.path)
        return
    old = _hold(look, place)
    if old.data == want:
        look.note("unchanged", place.path)
        return
    look.old[place.path], look.new[place.path] = old, want
    look.note(_state_of(look, place.path, old.data, holder), place.path)


def _state_of(look: _Look, path: str, data: bytes, holder: Holder) -> _State:
    """The state of a file whose content is not the wanted one."""
    return "stale" if path in look.journal else at_wanted_path(holder, path, data)


def _claim(look: _Look, place: _Place, want: Node | None, holder: Holder) -> bool:
    """Classify a file where none is wanted; true if it stays, as it is not ours."""
    known = place.path in look.journal or holder.mark(place.path) is not None
    if known or _is_ours(look, place, holder):
        look.old[place.path] = _hold(look, place)
        look.note("orphaned", place.path)
        if want is not None:
            _miss(look, place.path, want)
        return False
    look.note("foreign" if want is None else "blocked", place.path)
    return True


def _is_ours(look: _Look, place: _Place, holder: Holder) -> bool:
    try:
        return begins_as_ours(holder, place.path, read_start(look.disk, place.name, place.folder))
    except PermissionError:
        return False


def _miss(look: _Look, path: str, want: bytes | Node) -> None:
    """Note a wanted file, or all files of a wanted directory, as missing."""
    if isinstance(want, bytes):
        look.note("missing", path)
        look.new[path] = want
        return
    for name, child in want.items():
        _miss(look, f"{path}/{name}" if path else name, child)


def _obstruct(look: _Look, path: str, kind: Kind) -> None:
    look.note("linked" if kind == "link" else "blocked", path)


def _read_recorded(
    look: _Look, folder: int, path: str, entries: Mapping[str, Kind]
) -> Mapping[str, str] | None:
    if entries.get(LEDGER) != "file":
        return None
    return read_ledger(_hold(look, _Place(folder, LEDGER, f"{path}/{LEDGER}")).data)


def _hold(look: _Look, place: _Place) -> Old:
    return Old(*read_file(look.disk, place.name, place.folder))


def _unreadable(look: _Look, path: str, reason: OSError) -> CompileError:
    place = f"{look.generated}/{path}" if path else look.generated
    message = f"cannot read {place}: {reason.strerror or 'input/output error'}"
    return CompileError([error("O609", message, Span(place, 1, 1))])
