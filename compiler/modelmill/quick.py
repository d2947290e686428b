"""Whether a compile has nothing to do, told before anything else is imported.

In: arguments, and what the last compile noted in the cache: which files it read and wrote, with
their dates, and what it said. Out: the exit status, having said the same; or None, and nothing
said, where anything is not as it was, or is not known to be.

Imports little, as its own start is most of what it costs.
"""

from __future__ import annotations

import os
import stat
import sys

from modelmill import stamps
from modelmill.cachefile import content, folder_of, load

TYPE_CHECKING = False  # typing's own takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    State = dict[str, Any]
    Look = Callable[[], set[str] | None]

NOTED = "state"
"""What a compile notes, a State. Paths of inputs are below the root, of outputs below generated/:

tool      absolute paths of our own files, their stamps, and a digest of what they hold
inputs    paths of files and folders read, and their stamps; `contents`: digests of the files
absent    paths at which there was nothing
outputs   paths in lines, stamps and the ledger's digest of each unit; "" has the folders above
doubtful  digests of outputs whose dates are too young to tell a later change by;
          `doubtful_inputs` the same of inputs
locked    whether --locked was given
presets   names of presets, by path
models    of each model's file: by what it is known (`incremental.entries.Head`)
whole     what is said of all models together, pickled
said      what was printed to stdout and to stderr, by format and colour
units     how many there are
"""

PROJECT = "modelmill.yaml"
FEW = 500
"""So many doubtful files are read again here; more are a matter for the compiler."""
MOST = 1 << 24
WORTHWHILE = 4000
"""Below this many files a second process costs more than it saves."""


class Asked:
    """A plain compile of everything. `jobs`: 0 for as many as there are cores."""

    def __init__(self, folder: str, check: bool, locked: bool, jobs: int) -> None:
        self.folder = folder
        self.check = check
        self.locked = locked
        self.jobs = jobs


def noted(root: str) -> State | None:
    """What the last compile noted, if this very compiler did."""
    folder = folder_of(root)
    state = load(os.path.join(folder, NOTED)) if folder is not None else None
    return state if state is not None and is_ours(state) else None


def up_to_date(root: str, asked: Asked, state: State) -> tuple[str, str] | None:
    """What a compile prints to stdout and to stderr where nothing is to be done."""
    said = state["said"].get(_format())
    if said is None or state["locked"] != asked.locked or not _holds(root, state, asked.jobs):
        return None
    last = "" if asked.check else f"{units(state['units'])} up to date\n"
    return said[0], said[1] + last


def units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def asked(arguments: Sequence[str]) -> Asked | None:
    """What is asked for in so many words; None for anything but a plain compile."""
    rest, folder, jobs = list(arguments), ".", 0
    if rest[:1] == ["-C"] and len(rest) > 1:
        folder, rest = rest[1], rest[2:]
    if rest[:1] != ["compile"]:
        return None
    del rest[0]
    for place, each in enumerate(rest):
        if each in ("-j", "--jobs"):
            given = "".join(rest[place + 1 : place + 2])
            if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 64):
                return None
            jobs, rest = int(given), rest[:place] + rest[place + 2 :]
            break
    if not set(rest) <= {"--check", "--locked"} or not os.path.isdir(folder):
        return None
    return Asked(folder, "--check" in rest, "--locked" in rest, jobs)


def root_of(folder: str) -> str | None:
    """The folder at or above with modelmill.yaml."""
    here = os.path.realpath(folder)
    while not os.path.isfile(os.path.join(here, PROJECT)):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return here


def _format() -> tuple[str, bool]:
    """How findings are printed unless told otherwise (`console`): the format, and whether with
    colour."""
    name = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    stream = sys.stderr if name == "text" else sys.stdout
    if os.environ.get("NO_COLOR"):
        return name, False
    if os.environ.get("FORCE_COLOR"):
        return name, True
    return name, stream.isatty() and os.environ.get("TERM") != "dumb"


def _holds(root: str, state: State, jobs: int) -> bool:
    """Whether everything is as it was when it was noted, and nobody is changing it."""
    import fcntl

    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return inputs_hold(top, state) and _outputs_hold(top, state, jobs)
    finally:
        os.close(top)


def is_ours(state: State) -> bool:
    """Whether it was noted by the very same compiler."""
    paths, dates, _ = state["tool"]
    return stamps.unchanged(0, paths, dates)


def inputs_hold(root: int, state: State) -> bool:
    paths, dates = state["inputs"]
    absent = all(not exists(each, root) for each in state["absent"])
    if not absent or not stamps.unchanged(root, paths, dates):
        return False
    return _same(root, state["doubtful_inputs"])


def _same(folder: int, doubtful: dict[str, bytes]) -> bool:
    few = len(doubtful) <= FEW
    return few and all(reads(path, folder) == each for path, each in doubtful.items())


def _outputs_hold(root: int, state: State, jobs: int) -> bool:
    """Half of them is another process's, where that pays."""
    try:
        folder = os.open(state["generated"], os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
    except OSError:
        return False
    try:
        if not _same(folder, state["doubtful"]):
            return False
        known = list(state["outputs"].values())
        half, process = len(known), 0
        if jobs != 1 and _many(state) and _cores() > 1:
            half, process = half // 2, os.fork()
        mine = known[:half] if process or half == len(known) else known[half:]
        same = False
        try:
            same = all(stamps.unchanged(folder, p.split("\n"), dates) for p, dates, _ in mine)
        finally:
            if not process and half < len(known):
                os._exit(not same)
        return not (process and os.waitpid(process, 0)[1]) and same
    finally:
        os.close(folder)


def look(root: str, state: State, jobs: int) -> Look | None:
    """Begin to look, in another process, which units are not as they were made. What comes back
    waits for their names; None where that cannot be told. None at once where it does not pay."""
    known = state["outputs"]
    if jobs == 1 or _cores() == 1 or not _many(state):
        return None
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return lambda: _looked(process, reading)
    status = 1
    try:
        os.close(reading)
        folder = os.open(os.path.join(root, state["generated"]), os.O_RDONLY | os.O_DIRECTORY)
        names = [
            name
            for name, (paths, dates, _) in known.items()
            if not stamps.unchanged(folder, paths.split("\n"), dates)
        ]
        with os.fdopen(writing, "wb") as stream:
            stream.write(os.fsencode("\n".join(names)))
        status = 0
    finally:
        os._exit(status)


def _looked(process: int, reading: int) -> set[str] | None:
    with os.fdopen(reading, "rb") as stream:
        names = os.fsdecode(stream.read())
    failed = os.waitpid(process, 0)[1]
    return None if failed else set(names.split("\n")) if names else set()


def _many(state: State) -> bool:
    """Whether there are so many outputs that a second process pays."""
    return sum(len(each[1]) for each in state["outputs"].values()) > WORTHWHILE * stamps.WIDTH


def _cores() -> int:
    if not hasattr(os, "fork"):
        return 1
    return os.cpu_count() or 1


def exists(path: str, folder: int) -> bool:
    try:
        os.stat(path, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def reads(path: str, folder: int) -> bytes | None:
    """A digest of what a file holds, or of a folder's names."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            return content(os.read(fd, MOST))
        return content(b"\0".join(sorted(map(os.fsencode, os.listdir(fd)))))
    except OSError:
        return None
    finally:
        os.close(fd)
