"""A part of a repository's models, so that several machines compile a huge one.

In: paths of all model files, and which part of how many. Out: the files of that part. Together the
parts make what one compile makes: the first also has the units of environments, and takes away what
nobody wants any more. What can be said only of all models together, a compile of all says.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelmill.catalog import Catalog, Document, build_catalog
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.environments import environment_units
from modelmill.files import Files
from modelmill.incremental.together import Together
from modelmill.kserve.thin import configs_used
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.sources import read_one
from modelmill.tuples import NamedTuple


class Shard(NamedTuple):
    """The `number`th part of `total`, from 1."""

    number: int
    total: int

    @property
    def is_first(self) -> bool:
        return self.number == 1

    def of(self, paths: Sequence[str]) -> list[str]:
        """A contiguous run of paths; the parts of one total are about as long as each other."""
        start, end = (len(paths) * each // self.total for each in (self.number - 1, self.number))
        return list(paths[start:end])


WHOLE = Shard(1, 1)


def beside(
    repository: Repository,
    files: Files,
    everything: Sequence[str],
    own: Sequence[str],
    made: Together,
) -> tuple[Together, set[str]]:
    """What the first part made, with the units of environments, and the names of the models that
    are others'; where one of those cannot be read, its faults, as its unit must not be deleted."""
    others: list[Document] = []
    faults: list[Diagnostic] = []
    mine = set(own)
    for path in everything:
        try:
            others.append(read_one(files, path, {}))
        except CompileError as fault:
            faults += fault.diagnostics if path not in mine else ()
    if faults:
        return made._replace(diagnostics=tidy([*made.diagnostics, *faults])), set()
    catalog = _with(repository.catalog, others)
    resolver, versions = Resolver(catalog), repository.versions
    configs = {
        overlay.name: configs_used(resolver, versions, overlay)
        for overlay in catalog.overlays.values()
    }
    units, _ = environment_units(repository, configs)
    return made._replace(units=units), set(catalog.models)


def _with(catalog: Catalog, models: Sequence[Document]) -> Catalog:
    shared = (*catalog.presets.values(), *catalog.overlays.values())
    whole = build_catalog(catalog.project, (*shared, *models), catalog.unread)
    return whole._replace(lock=catalog.lock)
