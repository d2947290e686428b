"""Which models need not be compiled: what they depend on reads as it did, and their units stand.

In: the cache, and the repository but for its models. Out: the heads that hold, with what is known
of their files. A file is read again unless its dates tell that it is the one that was read; a unit
is compared with its ledger unless the dates of all its files tell the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from modelmill import stamps
from modelmill.cachefile import content
from modelmill.diagnostics import CompileError
from modelmill.files import Files
from modelmill.incremental.cache import Cache, contents_known, versions_kept
from modelmill.incremental.entries import Head, Shared, holds, shared
from modelmill.incremental.parts import Irregular
from modelmill.output import verified
from modelmill.repository import Repository
from modelmill.tuples import NamedTuple

if TYPE_CHECKING:
    from modelmill.quick import Look


class Stamped(NamedTuple):
    """Files and folders with their stamps, and of a model's unit the digest of its ledger."""

    paths: Sequence[str]
    dates: bytes
    ledger: str = ""


class Still(NamedTuple):
    """What stands.

    heads     those that hold, by path of the model's file
    models    stamps of all models' files, from before they were read
    contents  digests of the files of those that hold
    units     stamps of units whose dates told that they are as they were made
    """

    heads: Mapping[str, Head]
    models: Stamped
    contents: Mapping[str, bytes]
    units: Mapping[str, Stamped]


def still(
    cache: Cache,
    repository: Repository,
    files: Files,
    root: int,
    paths: Sequence[str],
    look: Look | None,
    *,
    locked: bool,
) -> tuple[Shared, Still]:
    """`look`: another process's at the dates of units, where one is under way. Raises Irregular
    where a file went away meanwhile."""
    texts = repository.texts.items()
    tool = cache.tool[2] + (b"locked" if locked else b"")
    now = shared(repository.catalog, {p: content(text.encode()) for p, text in texts}, tool)
    dates = stamps.taken(root, paths)
    if dates is None:
        raise Irregular
    known = contents_known(cache, paths, dates)
    heads = dict(_heads(cache, now, files, paths, known))
    own = {path: known[path] for path in heads}
    generated = repository.catalog.project.paths.generated
    standing, units = _standing(cache, root, generated, heads, look)
    return now, Still(standing, Stamped(paths, dates), own, units)


def _heads(
    cache: Cache, now: Shared, files: Files, paths: Sequence[str], known: dict[str, bytes]
) -> Iterator[tuple[str, Head]]:
    """The heads that hold. Adds to `known` what had to be read."""
    if cache.folder is None:
        return
    before = cache.state["contents"] if shared_as_before(cache, now) and cache.state else {}
    for path in paths:
        last = cache.heads.get(path)
        if last is not None and path in known and known[path] == before.get(path):
            yield path, last  # as everything that it was made from
            continue
        if path not in known:
            try:
                known[path] = content(files.read(path))
            except CompileError:
                continue
        if last is not None and holds(now, last, path, known[path]):
            yield path, last
            continue
        for head, _ in versions_kept(cache, path):
            if holds(now, head, path, known[path]):
                yield path, head
                break


def shared_as_before(cache: Cache, now: Shared) -> bool:
    """Whether all files but the models' read as they did for the last compile of everything."""
    if cache.state is None or cache.state["context"] != now.context:
        return False
    contents = cache.state["contents"].items()
    return {path: each for path, each in contents if path not in cache.heads} == now.contents


def _standing(
    cache: Cache, root: int, generated: str, heads: Mapping[str, Head], look: Look | None
) -> tuple[dict[str, Head], dict[str, Stamped]]:
    """The heads whose units are in generated/ as they were made; and units whose dates told."""
    try:
        folder = os.open(generated, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    except OSError:
        return {}, {}
    try:
        state, outputs, young = cache.state, {}, set()
        if state is not None and state["generated"] == generated:
            outputs = {
                name: Stamped(paths.split("\n"), dates, ledger)
                for name, (paths, dates, ledger) in state["outputs"].items()
            }
            young = {path.partition("/")[0] for path in state["doubtful"]}
        ledgers = {each.name: each.ledger for each in heads.values()}
        drifted = look() if look is not None else None
        seen = outputs.keys() - drifted if drifted is not None else None
        noted = {
            name: each
            for name, each in outputs.items()
            if (ledgers.get(name) == each.ledger or not each.ledger)
            and name.partition("/")[0] not in young
        }
        units = {
            name: each
            for name, each in noted.items()
            if (name in seen if seen else stamps.unchanged(folder, each.paths, each.dates))
        }
        found = {
            path: head
            for path, head in heads.items()
            if head.name in units or verified(cache.root, generated, head.name, head.ledger)
        }
        return found, units
    finally:
        os.close(folder)
