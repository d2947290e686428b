"""What a compile of everything notes, so that the next one can tell that nothing changed.

In: what it read, made, found standing and wrote. Out: the cache's `state`, written anew.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence

from modelmill import cachefile, quick, stamps
from modelmill.incremental.cache import Cache, clock_of, opened, prune
from modelmill.incremental.entries import Head, Shared
from modelmill.incremental.late import LatePresets, preset_names
from modelmill.incremental.parts import Result
from modelmill.incremental.still import Still
from modelmill.incremental.together import Together
from modelmill.output import LEDGER
from modelmill.pins import LOCK
from modelmill.repository import Repository
from modelmill.tuples import NamedTuple

Said = Mapping[tuple[str, bool], tuple[str, str]]
"""What was printed to stdout and to stderr, by format and colour (`quick`)."""


class Finished(NamedTuple):
    """A compile that came to its end."""

    cache: Cache
    repository: Repository
    now: Shared
    held: Still
    results: Sequence[Result]
    made: Together


def heads_of(done: Finished) -> dict[str, Head]:
    """Of all models that have a unit, by path."""
    made = {each.path: each.head for each in done.results if each.head is not None}
    return {**done.held.heads, **made}


def models_of(done: Finished) -> list[str]:
    return [each.name for each in heads_of(done).values()]


def environments_of(done: Finished) -> list[str]:
    """Names of the units that are no model's: made now, or as they stand."""
    if done.made.units is not None:
        return list(done.made.units)
    models = {"", *models_of(done)}
    return [name for name in done.held.units if name not in models]


def units_of(done: Finished) -> list[str]:
    return [*models_of(done), *environments_of(done)]


def note(done: Finished, said: Said, *, locked: bool) -> None:
    """Unless something changed while we looked at it."""
    cache, generated = done.cache, done.repository.catalog.project.paths.generated
    if cache.folder is None or not cache.clock:
        return
    with opened(cache.root) as root:
        inputs, outputs = _inputs(done, root), _outputs(done, root, generated)
        if inputs is None or outputs is None:
            return
        paths, dates, contents = inputs
        units, doubtful = outputs
        # What a unit's files are, its stamps tell.
        heads = {path: tuple(each._replace(files="")) for path, each in heads_of(done).items()}
        state = {
            "tool": tuple(cache.tool),
            "inputs": (paths, dates),
            "contents": contents,
            "doubtful_inputs": _young(root, paths, dates, cache.clock),
            "absent": [] if LOCK in contents else [LOCK],
            "generated": generated,
            "outputs": units,
            "doubtful": doubtful,
            "models": heads,
            "context": done.now.context,
            "presets": _presets(done),
            "whole": pickle.dumps(done.made.whole),
            "locked": locked,
            "said": dict(said),
            "units": len(units_of(done)),
        }
    cachefile.save(os.path.join(cache.folder, quick.NOTED), state)
    prune(cache, list(heads))


def _inputs(done: Finished, root: int) -> tuple[list[str], bytes, dict[str, bytes]] | None:
    """Every file and folder that was read, their stamps, and digests of the files; None where one
    changed meanwhile."""
    shared = sorted(done.repository.texts)
    folders = sorted(_folders(done, root, shared))
    beside = stamps.taken(root, [*shared, *folders])
    if beside is None:
        return None
    # Read again after the stamp was taken: what was read before is what it stamps.
    if any(quick.reads(path, root) != done.now.contents[path] for path in shared):
        return None
    contents = {**done.now.contents, **done.held.contents}
    contents.update((each.path, each.content) for each in done.results)
    models = done.held.models
    return [*shared, *folders, *models.paths], beside + models.dates, contents


def _presets(done: Finished) -> dict[str, str]:
    """Names of presets, by path."""
    presets = done.repository.catalog.presets
    if isinstance(presets, LatePresets):
        return preset_names(done.cache)
    return {each.path: name for name, each in presets.items()}


def _folders(done: Finished, root: int, shared: Iterable[str]) -> set[str]:
    """Folders whose listings decide what is read."""
    paths = done.repository.catalog.project.paths
    top = (paths.models, paths.presets, paths.overlays)
    found = {each for each in top if quick.exists(each, root)}
    for path in (*shared, *done.held.models.paths):
        while "/" in path:
            path = path.rpartition("/")[0]
            found.add(path)
    return found


def _outputs(
    done: Finished, root: int, generated: str
) -> tuple[dict[str, object], dict[str, bytes]] | None:
    """Paths, stamps and ledger of every unit, and digests of what is too young to be told by its
    dates; None where something went away."""
    clock = clock_of(root)
    try:
        folder = os.open(generated, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    except OSError:
        return None
    try:
        wanted = set(units_of(done))
        found: dict[str, object] = {
            name: ("\n".join(each.paths), each.dates, each.ledger)
            for name, each in done.held.units.items()
            if name in wanted
        }
        doubtful: dict[str, bytes] = {}
        for name, paths, ledger in _units(done):
            dates = stamps.taken(folder, paths)
            if dates is None:
                return None
            found[name] = ("\n".join(paths), dates, ledger)
            doubtful.update(_young(folder, paths, dates, clock))
        return found, doubtful
    finally:
        os.close(folder)


def _units(done: Finished) -> Iterator[tuple[str, list[str], str]]:
    """Name, files and folders, and the ledger's digest of each unit whose dates did not tell that
    it stands; "" has the folders above."""
    for head in heads_of(done).values():
        if head.name not in done.held.units:
            # What came from the last note has its paths there, with the same ledger.
            told = done.cache.state["outputs"] if done.cache.state and not head.files else {}
            known = told[head.name][0].split("\n") if told else None
            yield head.name, known or _below(head.name, head.files.split("\n")), head.ledger
    for name, unit in (done.made.units or {}).items():
        yield name, _below(name, (*unit.files, LEDGER)), ""
    above = {name.partition("/")[0] for name in environments_of(done) if "/" in name}
    yield "", [".", *sorted(above)], ""


def _below(unit: str, files: Iterable[str]) -> list[str]:
    return [f"{unit}/{path}" if path else unit for path in stamps.paths_of(files)]


def _young(folder: int, paths: Sequence[str], dates: bytes, clock: int) -> dict[str, bytes]:
    """Digests of what may yet change without its dates telling."""
    if stamps.settled(dates, clock):
        return {}
    found = {}
    for count, path in enumerate(paths):
        own = slice(stamps.WIDTH * count, stamps.WIDTH * (count + 1))
        if not stamps.settled(dates[own], clock):
            found[path] = quick.reads(path, folder) or b""
    return found
