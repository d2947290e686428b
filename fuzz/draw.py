"""Choices made of bytes, so that a mutated byte is another choice and not another file.

In: a fuzzer's bytes. Out: numbers, picks, texts, and documents bent in places. Bytes that are spent
read as zero, so that every input means something and a shorter one means something simpler.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
Path = tuple[str | int, ...]

ODD: Sequence[Any] = (
    *(None, True, False, 0, 1, -1, 7, 1.5, 1 << 53, -(1 << 53), 65536, 1e300),
    *("", " ", "x", "-", ".", "..", "../x", "a/b", "/", "é", "\u202e", "a\nb", "a" * 300),
    *("9" * 400, "{{ .x }}", "{{", "}}", "--", "-x", "*", "&a", "!!x", "<<", "\x1b[2J"),
    *("true", "null", "0", "1Gi", "500m", "1e3", "5s", "100%", "hf://a/b", "pvc://a", "s3://a/b"),
    *("${nothing}", "${model}", "${model.name}", "${json(model)}", "$${x}", "${", "${environment}"),
    *([], [None], ["x"], [[1], {"a": 1}], {}, {"x": 1}, {"": ""}, {"a": {"b": ["c"]}}, {"a": None}),
    *({"name": 1, "kind": [], "type": {}}, {"name": "x", "value": None}, [{"name": "x"}]),
)  # fmt: skip
"""Values that somebody's code does not expect."""


class Draw:
    """Bytes, taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_spent(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        self._at += 1
        return 0 if self._at > len(self._data) else self._data[self._at - 1]

    def below(self, bound: int) -> int:
        """A number from 0 on, of as many bytes as the bound needs."""
        found = 0
        for _ in range(max(1, (bound - 1).bit_length() + 7 >> 3)):
            found = found << 8 | self.byte()
        return found % bound

    def pick(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def text(self, longest: int = 64) -> str:
        length = self.below(longest + 1)
        self._at += length
        return self._data[self._at - length : self._at].decode("utf-8", "replace")

    def rest(self) -> bytes:
        found, self._at = self._data[self._at :], len(self._data)
        return found


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path into a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def at(document: Any, path: Path) -> Any:
    for segment in path:
        document = document[segment]
    return document


def bent(document: Any, draw: Draw, most: int = 8, paths: Sequence[Path] | None = None) -> Any:
    """The document changed in some places: values replaced, moved, taken out, doubled, renamed."""
    document = copy.deepcopy(document)
    known = list(places(document)) if paths is None else paths
    for _ in range(1 + draw.below(most)):
        if not known or draw.is_spent:
            break
        _bend(document, draw, known)
    return document


def _bend(document: Any, draw: Draw, known: Sequence[Path]) -> None:
    path = draw.pick(known)
    try:
        holder = at(document, path[:-1])
        old = holder[path[-1]]
    except (KeyError, IndexError, TypeError):
        return  # what was there has been replaced
    if isinstance(holder, str):
        return
    act = draw.below(8)
    if act < 3:
        holder[path[-1]] = copy.deepcopy(draw.pick(ODD))
    elif act == 3:
        holder[path[-1]] = draw.text()
    elif act == 4:
        try:
            holder[path[-1]] = copy.deepcopy(at(document, draw.pick(known)))
        except (KeyError, IndexError, TypeError):
            return
    elif act == 5:
        del holder[path[-1]]
    elif isinstance(holder, list):
        holder.insert(int(path[-1]), copy.deepcopy(old))
    elif act == 6:
        holder[draw.text(16) or "x"] = copy.deepcopy(old)
    elif isinstance(old, str):
        cut = draw.below(len(old) + 1)
        holder[path[-1]] = old[:cut] + draw.text(12) + old[cut:]
