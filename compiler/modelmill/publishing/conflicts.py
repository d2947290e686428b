"""A merge whose conflicts are in generated/.

In: the paths in conflict and what each side has there. Out: which are inputs that a person must
settle, which are ours to write anew, and which are nobody's of the two. Nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from modelmill.output import LEDGER
from modelmill.output.ledger import is_ledger, read_ledger, unit_of
from modelmill.output.ownership import Holder, begins_as_ours
from modelmill.pins import LOCK
from modelmill.sources import PROJECT
from modelmill.spec.documents import Paths
from modelmill.tuples import NamedTuple


class Conflicts(NamedTuple):
    """Paths in conflict, each from the top of the git repository, but `ours` and `foreign`: these
    are below generated/."""

    inputs: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def is_settings(path: str, prefix: str) -> bool:
    """Whether a path is that of modelmill.yaml, without which nothing else can be told."""
    return path == prefix + PROJECT


def sorted_out(
    conflicts: Mapping[str, Collection[str]],
    sides: Mapping[str, bytes],
    prefix: str,
    paths: Paths,
) -> Conflicts:
    """`conflicts`: ids by path; `sides`: what they hold; `prefix` leads to modelmill.yaml."""
    folder = f"{prefix}{paths.generated}/"
    read = (f"{prefix}{each}/" for each in (paths.models, paths.presets, paths.overlays))
    settled = (*read, prefix + PROJECT, prefix + LOCK)
    below = {p[len(folder) :]: ids for p, ids in conflicts.items() if p.startswith(folder)}
    ours = {path for path, ids in below.items() if _is_ours(path, ids, below, sides)}
    inputs = {path for path in conflicts if path.startswith(settled)}
    generated = {folder + path for path in below}
    return Conflicts(
        inputs=tuple(sorted(inputs)),
        ours=tuple(sorted(ours)),
        foreign=tuple(sorted(below.keys() - ours)),
        elsewhere=tuple(sorted(conflicts.keys() - inputs - generated)),
    )


def _is_ours(
    path: str,
    ids: Iterable[str],
    below: Mapping[str, Collection[str]],
    sides: Mapping[str, bytes],
) -> bool:
    """Whether what any side has at a path is known as ours, by how it begins or by a ledger that is
    in conflict too."""
    unit = unit_of(path)
    ledgers = below.get(f"{unit}/{LEDGER}", ()) if is_ledger(f"{unit}/{LEDGER}") else ()
    holders = [Holder(unit, read_ledger(sides[i])) for i in ledgers if i in sides]
    return any(holder.mark(path) is not None for holder in holders) or any(
        begins_as_ours(Holder(unit, None), path, sides[i]) for i in ids if i in sides
    )
