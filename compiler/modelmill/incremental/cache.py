"""What is kept of a repository between compiles: dates of what was read and written, and models.

In: a root. Out: what an earlier compile kept, as far as it can be believed. Nothing here is ever
needed: without it everything is compiled.

Layout of the folder: `state`, what the last compile of everything left (`quick`), and
`models/<digest of a path>`: what the file at that path compiled to, lately and before.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import modelmill
from modelmill import cachefile, quick, stamps
from modelmill.incremental.entries import Head, Sheet
from modelmill.tuples import NamedTuple

MODELS = "models"
KEPT = 3
"""So many versions of a model are kept: one for each of the branches that are worked on in turn."""


class Cache(NamedTuple):
    """`folder` is None where nothing can be kept.

    heads  of the models as the last compile of everything had them, by path
    clock  what time it is on the repository's disk, from before anything was read; 0: unknown
    tool   our own files, their stamps, and a digest of what they hold
    """

    root: Path
    folder: str | None
    state: quick.State | None
    heads: Mapping[str, Head]
    clock: int
    tool: tuple[Any, ...]


@contextmanager
def opened(root: Path) -> Iterator[int]:
    """The folder, open."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def cache_of(path: Path, root: int, state: quick.State | None) -> Cache:
    """`root` is the folder at that path, open; `state` what was noted of it, if somebody looked."""
    folder = cachefile.folder_of(str(path))
    if folder is None:
        return Cache(path, None, None, {}, 0, ((), b"", b""))
    state = state or cachefile.load(os.path.join(folder, quick.NOTED))
    tool = state["tool"] if state is not None and quick.is_ours(state) else _tool()
    if state is not None and state["tool"][2] != tool[2]:
        state = None
    models = state["models"] if state is not None else {}
    heads = {path: Head(*each) for path, each in models.items()}
    return Cache(path, folder, state, heads, clock_of(root), tool)


def _tool() -> tuple[Any, ...]:
    """Ourselves, by content: an editable installation changes without its version."""
    top = Path(modelmill.__file__).parent
    paths, digests = [str(top)], []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(set(folders) - {"__pycache__"})
        paths += [os.path.join(folder, each) for each in folders]
        for name in sorted(names):
            path = os.path.join(folder, name)
            paths.append(path)
            digests.append(os.fsencode(os.path.relpath(path, top)))
            digests.append(cachefile.content(Path(path).read_bytes()))
    parser = sys.modules["yaml._yaml"].__file__ if "yaml._yaml" in sys.modules else None
    if parser is not None:
        paths.append(parser)
        digests.append(cachefile.content(Path(parser).read_bytes()))
    return paths, stamps.taken(0, paths) or b"", cachefile.content(b"\0".join(digests))


def clock_of(root: int) -> int:
    """What time it is by the clock that stamps a folder's files, which may be another machine's; 0
    where it cannot be asked."""
    try:
        fd = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600, dir_fd=root)
    except (OSError, AttributeError):
        return 0
    try:
        return os.fstat(fd).st_mtime_ns
    finally:
        os.close(fd)


def contents_known(cache: Cache, paths: Sequence[str], dates_now: bytes) -> dict[str, bytes]:
    """Digests of the files that read as they did, going by their dates."""
    if cache.state is None:
        return {}
    names, dates = cache.state["inputs"]
    place = {name: stamps.WIDTH * count for count, name in enumerate(names)}
    contents, doubtful = cache.state["contents"], cache.state["doubtful_inputs"]
    found = {}
    for count, path in enumerate(paths):
        start = place.get(path)
        if start is None or path in doubtful or path not in contents:
            continue
        own = slice(start, start + stamps.WIDTH)
        now = slice(stamps.WIDTH * count, stamps.WIDTH * (count + 1))
        if dates[own] == dates_now[now]:
            found[path] = contents[path]
    return found


def versions_kept(cache: Cache, path: str) -> list[tuple[Head, bytes]]:
    """What a model's file compiled to, the newest first: its head, and the sheet as it was kept."""
    file = _file(cache, path)
    kept = cachefile.load(file) if file is not None else None
    return [(Head(*head), sheet) for head, sheet in kept or ()]


def sheet_kept(cache: Cache, path: str, head: Head) -> Sheet | None:
    """The sheet of a head; None where it is gone."""
    for known, sheet in versions_kept(cache, path):
        if known.key == head.key:
            found: Sheet = pickle.loads(sheet)
            return found
    return None


def keep(cache: Cache, path: str, head: Head, sheet: bytes) -> None:
    """Keep a version of a model, before the ones there are."""
    file = _file(cache, path)
    if file is not None:
        older = [each for each in versions_kept(cache, path) if each[0].key != head.key]
        versions = [(head, sheet), *older][:KEPT]
        cachefile.save(file, [(tuple(known), each) for known, each in versions])


def _file(cache: Cache, path: str) -> str | None:
    if cache.folder is None:
        return None
    return os.path.join(cache.folder, MODELS, cachefile.content(path.encode()).hex())


def prune(cache: Cache, paths: Sequence[str]) -> None:
    """Take out models that are long gone, when there are many."""
    if cache.folder is None:
        return
    folder = os.path.join(cache.folder, MODELS)
    with suppress(OSError):
        names = os.listdir(folder)
        if len(names) > 4 * len(paths) + 100:
            wanted = {cachefile.content(path.encode()).hex() for path in paths}
            for name in set(names) - wanted:
                os.unlink(os.path.join(folder, name))
