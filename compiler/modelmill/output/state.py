"""The state of generated/ as values: what was found, and what a write is to do about it.

In: nothing. Out: `Ground`, what is known before any unit is looked at; `Part`, what one process
finds of its units; `Summary`, what it tells another process of that; `Survey`, all of it, which
`findings` explains and `writing` acts on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Literal, get_args

from modelmill.filetree import Changes
from modelmill.output.disk import DISK, Disk, Kind
from modelmill.output.kept import Kept
from modelmill.output.ledger import unit_of
from modelmill.tuples import NamedTuple

State = Literal[
    "unchanged", "missing", "stale", "edited", "orphaned", "foreign", "blocked", "linked"
]
STATES: tuple[State, ...] = get_args(State)


class Ground(NamedTuple):
    """What every process knows before it looks at its units."""

    root: Path
    generated: str
    """The folder's path below the root, with `/`."""
    kind: Kind | None
    """What stands in its place, or in that of a directory that leads to it; None: nothing does."""
    journal: Kind | None
    """What stands in the journal's place."""
    ours: frozenset[str]
    """Paths that modelmill wrote, whatever they hold by now: an unfinished write was about them."""

    @property
    def unfinished(self) -> bool:
        return self.journal == "file"


class Summary(NamedTuple):
    """What a process found, without contents. Paths are below generated/, in no order."""

    unchanged: tuple[str, ...]
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    edited: tuple[str, ...]
    orphaned: tuple[str, ...]
    foreign: tuple[str, ...]
    blocked: tuple[str, ...]
    linked: tuple[str, ...]
    hollow: tuple[str, ...]


class Entered(NamedTuple):
    """A directory that is open: its path below generated/, itself, and whether we just made it."""

    path: str
    folder: int
    is_new: bool


class Part:
    """What one process knows of the units it is responsible for; it grows while they are looked at
    and holds what the write of them needs, and then how far that has come.

    new        the contents of the missing files, in that order
    changed    files that are stale or edited, with what they are to hold and what they held
    removed    what orphaned files held, and their modes
    folders    generated/ and `_environments`, open while the process looks
    entered    generated/ and the directories that lead to the last one written in
    made       directories that were made
    undo       what undoes all that was done, the last of it last
    at         the path that is being written, for the message
    """

    def __init__(self, ground: Ground, disk: Disk = DISK) -> None:
        self.ground = ground
        self.disk = disk
        self.found: dict[State, list[str]] = {state: [] for state in STATES}
        self.hollow: list[str] = []
        self.new = Kept()
        self.changed: list[str] = []
        self.renewed, self.replaced = Kept(), Kept()
        self.removed = Kept()
        self.modes: list[int] = []
        self.folders: dict[str, int] = {}
        self.entered: list[Entered] = []
        self.made: list[str] = []
        self.undo: list[tuple[Callable[[Part, int], None], int]] = []
        self.at = ""


class Survey(NamedTuple):
    """The state of generated/. Paths are below it, sorted; each path is in one class only."""

    root: Path
    generated: str
    """The folder's path below the root, with `/`."""

    unchanged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    """As we wrote it, and no longer what is wanted."""
    edited: tuple[str, ...] = ()
    """Neither what is wanted nor what we wrote."""
    orphaned: tuple[str, ...] = ()
    """Ours, and no longer wanted."""
    foreign: tuple[str, ...] = ()
    """Not ours, and not in the way."""
    blocked: tuple[str, ...] = ()
    """Not ours, where a wanted path must go."""
    linked: tuple[str, ...] = ()
    """A symbolic link where a wanted path must go."""

    unfinished: bool = False
    """An earlier write did not come to its end."""
    unfinished_elsewhere: bool = False
    """… and touched units outside the scope, so that this scope's write cannot end it."""

    hollow: tuple[str, ...] = ()
    """Directories in which nothing stays, each after those inside it."""
    part: Part | None = None
    """What this process is to write; None where no folder on a disk was looked at."""

    @property
    def clean(self) -> bool:
        """Whether the folder holds what is wanted, and nothing else of ours."""
        return not (self.unfinished or self.blocked or self.linked or self.changes)

    @property
    def changes(self) -> Changes:
        """What a write will do."""
        return Changes(self.missing, tuple(sorted(self.stale + self.edited)), self.orphaned)


def summary(part: Part) -> Summary:
    """What other processes need to know of a part when all its units were looked at."""
    return Summary(
        **{state: tuple(paths) for state, paths in part.found.items()}, hollow=tuple(part.hollow)
    )


def joined(
    part: Part, others: Iterable[Summary] = (), scope: Collection[str] | None = None
) -> Survey:
    """This process's part and those of all others as one survey."""
    ground, parts = part.ground, (summary(part), *others)
    within = within_scope(scope)
    elsewhere = within is not None and any(unit_of(path) not in within for path in ground.ours)
    return Survey(
        root=ground.root,
        generated=ground.generated,
        **{
            state: tuple(sorted(p for each in parts for p in getattr(each, state)))
            for state in part.found
        },
        unfinished=ground.unfinished,
        unfinished_elsewhere=elsewhere,
        hollow=tuple(path for each in parts for path in each.hollow),
        part=part,
    )


def within_scope(scope: Collection[str] | None) -> frozenset[str] | None:
    """The units of a scope and what leads to them; None: everything."""
    return None if scope is None else frozenset(scope) | {u.partition("/")[0] for u in scope}
