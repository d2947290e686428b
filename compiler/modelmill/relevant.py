"""Which modules of a registry have anything to do for a variant.

In: rows, each a module's name and the fields without which it finds nothing; a variant. Out: the
modules, imported when something first needs them: most models say little of what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from modelmill.record import Record
from modelmill.variant import Variant

KSERVE = "KServe"
"""As a field: that the target is."""
Rows = Mapping[str, str]
"""Modules in order, and fields in words, any of which is enough; none: it always has to do."""


class Registry:
    """The modules of a package. What is asked for is kept by what is said, which few sets are."""

    def __init__(self, package: str, rows: Rows) -> None:
        self._package = package
        self._rows = {name: frozenset(fields.split()) for name, fields in rows.items()}
        self._words = frozenset[str]().union(*self._rows.values())
        self._known: dict[frozenset[str], tuple[ModuleType, ...]] = {}

    def of(self, variant: Variant) -> tuple[ModuleType, ...]:
        """The modules that a variant may need, in order of their rows."""
        said = self._words & fields_of(variant)
        found = self._known.get(said)
        if found is None:
            names = [n for n, fields in self._rows.items() if not fields or fields & said]
            found = self._known[said] = modules(self._package, *names)
        return found


@cache
def modules(package: str, *names: str) -> tuple[ModuleType, ...]:
    return tuple(import_module(f"{package}.{name}") for name in names)


def fields_of(variant: Variant) -> frozenset[str]:
    """The names of the fields that are set in a variant's spec and its environment, wherever they
    stand: above what a module asks for."""
    known: frozenset[str] | None = variant.made.get(fields_of)
    if known is None:
        known = variant.made[fields_of] = _fields_of(variant)
    return known


def _fields_of(variant: Variant) -> frozenset[str]:
    spec, routing = variant.spec, variant.routing
    records = [spec, spec.model, routing, *vars(routing).values(), *variant.roles.values()]
    if variant.overlay is not None:
        records.append(variant.overlay.record)
    said = frozenset[str]().union(*(vars(each) for each in records if isinstance(each, Record)))
    return said | {KSERVE} if variant.kserve is not None else said
