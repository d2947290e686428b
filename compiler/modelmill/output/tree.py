"""Reads generated/ and says how it differs from what is wanted.

In: the wanted units, one after another, and the folder. Out: a `Part` that puts every path into one
class and holds what a write needs. Nothing is written, no symbolic link is followed, and no file is
believed unchanged by its date: every byte is compared.

A unit and all at its place belong to the part it is added to. What belongs to no wanted unit, and
generated/ itself, belong to the part that sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from pathlib import Path

from modelmill.filetree import ENVIRONMENTS, Unit
from modelmill.output.disk import DISK, FOLDER, Disk, Kind, holds, read_file, read_start
from modelmill.output.ground import ground, open_generated, unreadable
from modelmill.output.ledger import (
    JOURNAL,
    LEDGER,
    Node,
    contents,
    nest,
    read_ledger,
)
from modelmill.output.ownership import Holder, at_wanted_path, begins_as_ours
from modelmill.output.state import Part, State, Survey, joined, within_scope
from modelmill.tuples import NamedTuple

_NOBODY = Holder("", None)


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
    """Compare `root/generated` with what is wanted there, in all units or in those of the scope,
    in this one process. `ours`: paths below it that modelmill wrote, whatever they hold by now."""
    part = Part(ground(root, generated, disk, ours), disk)
    names = wanted.keys() if scope is None else wanted.keys() & set(scope)
    try:
        for name in sorted(names):
            add(part, name, wanted[name])
        sweep(part, names, scope)
    finally:
        look_away(part)
    return joined(part, scope=scope)


def add(part: Part, name: str, unit: Unit, data: Mapping[str, bytes] | None = None) -> None:
    """Compare one unit with what is at its place now. `data`: its contents, if they are known."""
    files = contents(unit) if data is None else data
    node = nest(name, files)
    parent, _, base = name.rpartition("/")
    try:
        folder, reached = _reach(part, parent)
        kind = None if folder is None else part.disk.kind(base, folder)
        if folder is not None and kind is not None:
            _judge(part, _Place(folder, base, name), kind, node, None)
        elif reached:
            part.found["missing"].extend([f"{name}/{path}" for path in files])
            part.new.extend(files.values())
    except OSError as reason:
        raise unreadable(part.ground.generated, name, reason) from reason


def _reach(part: Part, path: str) -> tuple[int | None, bool]:
    """generated/ or `_environments`, open if it is there; if not, whether a write can make it."""
    if path in part.folders:
        return part.folders[path], True
    if not path:
        kind, folder = part.ground.kind, None
        if kind == "folder":
            kind, folder = open_generated(part.ground.root, part.ground.generated, part.disk)
    else:
        top, reached = _reach(part, "")
        if top is None:
            return None, reached
        kind = part.disk.kind(path, top)
        if kind == "file" and _is_ours(part, _Place(top, path, path), _NOBODY):
            kind = None
        folder = part.disk.open(path, FOLDER, top) if kind == "folder" else None
    if folder is not None:
        part.folders[path] = folder
    return folder, kind in (None, "folder")


def sweep(part: Part, names: Collection[str], scope: Collection[str] | None = None) -> None:
    """Look at all that is no wanted unit's. `names`: of the units wanted, whoever looks at them;
    those of `_environments` are this part's."""
    start = part.ground
    if start.journal not in (None, "file"):
        _obstruct(part, JOURNAL, start.journal)
    try:
        top, _ = _reach(part, "")
        if top is not None:
            _sweep(part, top, "", frozenset(names), within_scope(scope))
        elif start.kind is not None:
            _obstruct(part, "", start.kind)
    except OSError as reason:
        raise unreadable(start.generated, "", reason) from reason


def _sweep(
    part: Part, folder: int, path: str, names: frozenset[str], within: frozenset[str] | None
) -> bool:
    """Classify what a directory of units holds beside them; true if something in it stays."""
    here = f"{ENVIRONMENTS}/"
    wanted: Node | None = {} if any(name.startswith(here) for name in names) else None
    stays = path == ENVIRONMENTS and wanted is not None
    for name, kind in part.disk.entries(folder).items():
        place = _Place(folder, name, f"{path}/{name}" if path else name)
        # `.git`: rendered manifests are often a branch of their own, checked out at generated/.
        apart = place.path in names or place.path in (".git", JOURNAL)
        if apart or (within is not None and place.path not in within):
            stays = True
            continue
        try:
            if place.path != ENVIRONMENTS:
                stays |= _judge(part, place, kind, None, None)
            elif kind != "folder":
                stays |= _judge(part, place, kind, wanted, None)
            else:
                visit = partial(_sweep, names=names, within=within)
                stays |= _descend(part, place, wanted, visit)
        except OSError as reason:
            raise unreadable(part.ground.generated, place.path, reason) from reason
    return stays


def look_away(part: Part) -> None:
    """Close what the looking kept open."""
    try:
        while part.folders:
            part.disk.close(part.folders.popitem()[1])
    except OSError as reason:
        raise unreadable(part.ground.generated, "", reason) from reason


def _visit(
    part: Part, folder: int, path: str, node: Node, holder: Callable[[], Holder] | None
) -> bool:
    """Classify what a directory of a unit holds (without a holder: the unit itself); true if
    something in it stays after a write."""
    disk, same = part.disk, part.found["unchanged"]
    entries = disk.entries(folder)
    if holder is None:  # its ledger is read only if something is not as it is wanted
        holder = cache(partial(_holder_of, part, folder, path, entries))
    stays = bool(node)
    for name, kind in entries.items():
        place, want = f"{path}/{name}", node.get(name)
        try:
            if kind == "file" and isinstance(want, bytes) and holds(disk, name, folder, want):
                same.append(place)
            else:
                stays |= _judge(part, _Place(folder, name, place), kind, want, holder)
        except OSError as reason:
            raise unreadable(part.ground.generated, place, reason) from reason
    for name in sorted(node.keys() - entries.keys()):
        _miss(part, f"{path}/{name}", node[name])
    return stays


def _judge(
    part: Part,
    place: _Place,
    kind: Kind,
    want: bytes | Node | None,
    holder: Callable[[], Holder] | None,
) -> bool:
    """Classify one entry that is not just what is wanted; true if it stays."""
    if kind == "folder":
        node = want if isinstance(want, dict) else {}
        return _descend(part, place, want, partial(_visit, node=node, holder=holder))
    if kind != "file":
        _note(part, "foreign", place.path) if want is None else _obstruct(part, place.path, kind)
        return True
    if isinstance(want, bytes):
        _compare(part, place, want, holder() if holder else _NOBODY)
        return True
    return _claim(part, place, want, holder() if holder else _NOBODY)


def _descend(
    part: Part, place: _Place, want: bytes | Node | None, visit: Callable[[Part, int, str], bool]
) -> bool:
    try:
        folder = part.disk.open(place.name, FOLDER, place.folder)
    except PermissionError:
        if want is not None:
            raise
        _note(part, "foreign", place.path)
        return True
    try:
        stays = visit(part, folder, place.path)
    finally:
        part.disk.close(folder)
    if not stays:
        part.hollow.append(place.path)
    if isinstance(want, bytes):
        _note(part, "blocked", place.path) if stays else _miss(part, place.path, want)
    return stays


def _compare(part: Part, place: _Place, want: bytes, holder: Holder) -> None:
    """Classify a file at a wanted path."""
    old, _ = read_file(part.disk, place.name, place.folder)
    if old == want:  # the system had read it in several goes
        _note(part, "unchanged", place.path)
        return
    ours = place.path in part.ground.ours
    state: State = "stale" if ours else at_wanted_path(holder, place.path, old)
    _note(part, state, place.path)
    if state != "blocked":
        part.changed.append(place.path)
        part.renewed.extend((want,))
        part.replaced.extend((old,))


def _claim(part: Part, place: _Place, want: Node | None, holder: Holder) -> bool:
    """Classify a file where none is wanted; true if it stays, as it is not ours."""
    if not _is_ours(part, place, holder):
        _note(part, "foreign" if want is None else "blocked", place.path)
        return True
    old, mode = read_file(part.disk, place.name, place.folder)
    _note(part, "orphaned", place.path)
    part.removed.extend((old,))
    part.modes.append(mode)
    if want is not None:
        _miss(part, place.path, want)
    return False


def _is_ours(part: Part, place: _Place, holder: Holder) -> bool:
    if place.path in part.ground.ours or holder.mark(place.path) is not None:
        return True
    try:
        return begins_as_ours(holder, place.path, read_start(part.disk, place.name, place.folder))
    except PermissionError:
        return False


def _miss(part: Part, path: str, want: bytes | Node) -> None:
    """Note a wanted file, or all files of a wanted directory, as missing."""
    if isinstance(want, bytes):
        _note(part, "missing", path)
        part.new.extend((want,))
        return
    for name, child in want.items():
        _miss(part, f"{path}/{name}", child)


def _obstruct(part: Part, path: str, kind: Kind) -> None:
    _note(part, "linked" if kind == "link" else "blocked", path)


def _note(part: Part, state: State, path: str) -> None:
    part.found[state].append(path)


def _holder_of(part: Part, folder: int, path: str, entries: Mapping[str, Kind]) -> Holder:
    is_there = entries.get(LEDGER) == "file"
    return Holder(path, read_ledger(read_file(part.disk, LEDGER, folder)[0]) if is_there else None)
