"""The preset library that ships with modelmill, for `init` to vendor.

In: nothing. Out: preset texts by path below a repository's presets folder. A compile never reads
the library: what a repository does not hold does not exist for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def presets() -> Mapping[str, str]:
    """Preset files by relative path, in order."""
    return dict(sorted(_texts(_folder(), "")))


def _folder() -> Traversable:
    """In the package; in an editable checkout, where the package is not built, beside compiler/."""
    shipped = files("modelmill").joinpath("library", "presets")
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "presets"


def _texts(folder: Traversable, above: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{above}{entry.name}/")
        elif entry.name.endswith((".yaml", ".yml")):
            yield above + entry.name, entry.read_text(encoding="utf-8")
