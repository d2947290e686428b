"""Whole repositories: read, linted and compiled without a disk, twice.

In: choices that add fields of the language to a small repository and bend them, or bytes that stand
in the place of one of its files.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from fuzz.corpus import choices
from fuzz.draw import Draw, Path, at, bent, places
from fuzz.holds import answered, readable
from modelmill import yamltext
from modelmill.compilation import Compilation, compile_repository
from modelmill.diagnostics import Diagnostic, has_errors
from modelmill.files import DiskFiles, EditedFiles
from modelmill.output.ledger import contents, nest
from modelmill.repository import index
from modelmill.sources import read_sources
from support import SMALL as TEXTS
from test_hostile import DOCUMENTS

SMALL: Mapping[str, Any] = {path: yaml.safe_load(text) for path, text in TEXTS.items()}
ALIKE = {
    "models/tiny.yaml": "models/tiny.yaml",
    "presets/sim.yaml": next(path for path in DOCUMENTS if path.startswith("presets/")),
    "overlays/prod/environment.yaml": "overlays/prod/environment.yaml",
    "modelmill.yaml": "modelmill.yaml",
}
"""Which document that holds every field is like which of the small ones."""
NOTHING = DiskFiles(FilePath("/nowhere/at/all"))


def seeds() -> Iterator[bytes]:
    yield from choices(40)


def check(data: bytes) -> None:
    draw = Draw(data)
    if draw.below(8) == 7:
        texts = dict(TEXTS)
        texts[draw.pick(sorted(TEXTS))] = draw.rest().decode("utf-8", "replace")
    else:
        documents = {path: _grown(path, draw) for path in SMALL}
        if any(not isinstance(each, dict) for each in documents.values()):
            return
        texts = {path: yamltext.dump(each) for path, each in documents.items()}
    first, second = _compiled(texts), _compiled(texts)
    assert first == second, "another result the second time"


def _compiled(texts: Mapping[str, str]) -> tuple[Any, ...]:
    read: dict[str, str] = {}
    found = answered(
        lambda: compile_repository(
            index(read_sources(FilePath("/nowhere"), read, EditedFiles(NOTHING, texts)))
        )
    )
    if not isinstance(found, Compilation):
        return found
    readable(found.diagnostics, read)
    made = any(not name.startswith("_") for name in found.units)
    assert has_errors(found.diagnostics) or made, "nobody said why"
    for name, unit in found.units.items():
        nest(name, contents(unit))  # every path lies below generated/
    units = {name: dict(unit.files) for name, unit in found.units.items()}
    return units, _diagnostics(found.diagnostics)


def _diagnostics(found: tuple[Diagnostic, ...]) -> list[str]:
    return [repr(each) for each in found]


@cache
def _places(path: str) -> tuple[Path, ...]:
    return tuple(places(DOCUMENTS[ALIKE[path]]))


def _grown(path: str, draw: Draw) -> Any:
    """The small document with some parts of the one that holds every field, bent."""
    grown = copy.deepcopy(SMALL[path])
    whole = DOCUMENTS[ALIKE[path]]
    for _ in range(draw.below(4)):
        place = draw.pick(_places(path))
        _graft(grown, place, bent({"x": at(whole, place)}, draw, 3).get("x"))
    return bent(grown, draw, 3) if draw.below(4) == 3 else grown


def _graft(document: Any, place: Path, value: Any) -> None:
    """The value at its place; what leads there is made, unless a list is on the way."""
    for here, segment in enumerate(place[:-1]):
        if not isinstance(document, dict):
            return
        below = document.get(segment)
        if not isinstance(below, dict):
            below = document[segment] = {}
        if isinstance(place[here + 1], int):
            document[segment] = [value]
            return
        document = below
    if isinstance(document, dict):
        document[place[-1]] = value
