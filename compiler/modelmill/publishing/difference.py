"""A branch as it is against what is wanted there.

In: the files wanted below generated/, and what a commit has there. Out: an output.Survey, as of a
folder on disk: what is ours, what is nobody's to touch, what stands in the way. Files are compared
by the ids git gives their contents; only those that differ are read, a few at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from modelmill.git import Git
from modelmill.git.objects import LINK, SUBMODULE, Entry, blob_id, entries
from modelmill.git.reading import contents, sizes
from modelmill.output import JOURNAL, LEDGER, Survey
from modelmill.output.ledger import is_ledger, read_ledger, unit_of
from modelmill.output.ownership import Holder, at_wanted_path, begins_as_ours

_AT_ONCE = 500
# What modelmill writes is far smaller; what is larger is only told from it.
_MOST = 16 << 20
_TOO_LARGE = b"\0"


def survey_commit(git: Git, commit: str | None, folder: str, wanted: Mapping[str, bytes]) -> Survey:
    """How a folder of a commit (None: of an empty branch) differs from what is wanted there."""
    here = entries(git, commit, folder) if commit else {}
    present = {path[len(folder) + 1 :]: entry for path, entry in here.items() if path != folder}
    form = git.form
    differing = {
        path: data
        for path, data in wanted.items()
        if path not in present or present[path].id != blob_id(form, data)
    }
    found = _Found(git, present, wanted)
    found.judge(differing)
    if folder in here:
        found.note("linked" if here[folder].mode == LINK else "blocked", "")
    return Survey(
        root=Path(),
        generated=folder,
        missing=found.all("missing"),
        stale=found.all("stale"),
        edited=found.all("edited"),
        orphaned=found.all("orphaned"),
        foreign=found.all("foreign"),
        blocked=found.all("blocked"),
        linked=found.all("linked"),
    )


class _Found:
    """A survey in the making."""

    def __init__(self, git: Git, present: Mapping[str, Entry], wanted: Mapping[str, bytes]) -> None:
        self.git = git
        self.present = present
        self.wanted = wanted
        self.above = {folder for path in wanted for folder in _folders(path)}
        self.paths: dict[str, set[str]] = {}

    def note(self, state: str, path: str) -> None:
        self.paths.setdefault(state, set()).add(path)

    def all(self, state: str) -> tuple[str, ...]:
        return tuple(sorted(self.paths.get(state, ())))

    def judge(self, differing: Collection[str]) -> None:
        """Put every path that is not as it is wanted into one class."""
        unwanted = [path for path in self.present if path not in self.wanted]
        read = []
        for path in (*differing, *unwanted):
            entry = self.present.get(path)
            if entry is None:
                self.note("missing", path)
            elif entry.mode in (LINK, SUBMODULE):
                self.odd(path, entry.mode)
            else:
                read.append(path)
        holders = self.holders({unit_of(path) for path in read})
        for path, data in self.read(read):
            self.regular(holders[unit_of(path)], path, data)
        # A folder gives way to a file only with all that is in it.
        staying = {f for path in self.paths.get("foreign", ()) for f in _folders(path)}
        for path in staying & self.paths.get("missing", set()):
            self.paths["missing"].discard(path)
            self.note("blocked", path)

    def odd(self, path: str, mode: str) -> None:
        in_the_way = path in self.wanted or path in self.above
        self.note("foreign" if not in_the_way else "linked" if mode == LINK else "blocked", path)

    def regular(self, holder: Holder, path: str, data: bytes) -> None:
        if path in self.wanted:
            self.note(at_wanted_path(holder, path, data), path)
        elif path == JOURNAL or holder.mark(path) or begins_as_ours(holder, path, data):
            self.note("orphaned", path)
        else:
            self.note("blocked" if path in self.above else "foreign", path)

    def holders(self, units: Collection[str]) -> dict[str, Holder]:
        ledgers = [path for unit in units if is_ledger(path := f"{unit}/{LEDGER}")]
        read = dict(self.read([path for path in ledgers if path in self.present]))
        recorded = {path: read_ledger(data) for path, data in read.items()}
        return {unit: Holder(unit, recorded.get(f"{unit}/{LEDGER}")) for unit in units}

    def read(self, paths: list[str]) -> Iterator[tuple[str, bytes]]:
        """Contents of regular files; of one that is too large to be ours, nothing of it."""
        for start in range(0, len(paths), _AT_ONCE):
            chunk = {path: self.present[path].id for path in paths[start : start + _AT_ONCE]}
            small = {i for i, size in sizes(self.git, chunk.values()).items() if size <= _MOST}
            data = contents(self.git, sorted(small))
            yield from ((path, data.get(identity, _TOO_LARGE)) for path, identity in chunk.items())


def _folders(path: str) -> Iterator[str]:
    """The folders a path leads through, without the top."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names)))
