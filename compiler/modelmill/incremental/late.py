"""Presets that are parsed when somebody asks for them.

In: what the last compile noted of them, and what their files hold. Out: documents by name. Only for
files that hold what they held: nothing was wrong with them then, nor is now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelmill.catalog import Document, read_document
from modelmill.incremental.cache import Cache
from modelmill.syntax import parse


def preset_names(cache: Cache) -> dict[str, str]:
    """Names of presets, by path, as they were noted."""
    return dict(cache.state["presets"]) if cache.state is not None else {}


def presets_known(cache: Cache) -> dict[str, bytes]:
    """Digests of the files of presets, by path, as they were noted."""
    if cache.state is None:
        return {}
    contents = cache.state["contents"]
    return {path: contents[path] for path in cache.state["presets"]}


class LatePresets(Mapping[str, Document]):
    """In order of name."""

    def __init__(self, names: Mapping[str, str], contents: Mapping[str, bytes]) -> None:
        self._paths = {name: path for path, name in sorted(names.items(), key=lambda each: each[1])}
        self._contents = contents
        self._read: dict[str, Document] = {}

    def __getitem__(self, name: str) -> Document:
        if name not in self._read:
            path = self._paths[name]
            self._read[name] = read_document(path, parse(path, self._contents[path]))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths
