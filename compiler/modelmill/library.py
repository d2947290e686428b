"""The preset library that ships with modelmill, for `init` to vendor and `upgrade` to renew.

In: nothing, or the folder of another library. Out: preset texts by path below a repository's
presets folder. A compile never reads the library: what a repository does not hold does not exist
for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def presets(folder: Path | None = None) -> Mapping[str, str]:
    """Preset files by relative path, in order."""
    return dict(sorted(_texts(folder or _shipped(), "")))


def release(folder: Path | None = None) -> str | None:
    """The release of modelmill that the library came with; None where nobody knows."""
    if folder is not None:
        return None
    try:
        return version("modelmill")
    except PackageNotFoundError:
        return None


def fingerprint(text: str) -> str:
    """What a lock records of a preset's text, with the line ends that Git may have made of it."""
    return f"sha256:{sha256(text.replace(_CRLF, _LF).encode()).hexdigest()}"


_CRLF, _LF = "\r\n", "\n"


def _shipped() -> Traversable:
    """In the package; in an editable checkout, where the package is not built, beside compiler/."""
    inside = files("modelmill").joinpath("library", "presets")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "presets"


def _texts(folder: Traversable, above: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{above}{entry.name}/")
        elif entry.name.endswith((".yaml", ".yml")):
            yield above + entry.name, entry.read_text(encoding="utf-8")
