"""Where each value stands in a YAML text, to the character.

In: a text that `syntax` has read. Out: a Spot for every value, by offsets. The tree of `tree` holds
where values begin, which is what messages need; an edit must know where they end.
"""

from __future__ import annotations

from typing import Any, Literal

import yaml
from yaml.events import MappingStartEvent, NodeEvent, ScalarEvent

from modelmill.tuples import NamedTuple

Path = tuple[str | int, ...]
Kind = Literal["mapping", "list", "scalar", "literal"]


class Spot(NamedTuple):
    """One value: text[start:end].

    kind    a `literal` is a scalar on lines of its own, below `|` or `>`
    flow    whether it is in braces or brackets, its own or those around it
    column  how far the keys of a mapping are indented
    """

    kind: Kind
    start: int
    end: int
    flow: bool
    column: int
    entries: tuple[Entry, ...] = ()

    @property
    def is_block(self) -> bool:
        return self.kind in ("mapping", "list") and not self.flow

    def find(self, segment: str | int) -> Entry | None:
        if isinstance(segment, int):
            is_there = self.kind == "list" and segment < len(self.entries)
            return self.entries[segment] if is_there else None
        if self.kind != "mapping":
            return None
        return next((each for each in self.entries if each.key == segment), None)


class Entry(NamedTuple):
    """A key with its value, or an item of a list. text[start:after] is the key."""

    key: str
    start: int
    after: int
    value: Spot


def spots(text: str) -> Spot:
    """The document's mapping."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    event: Any = loader.get_event()
    while not _is_value(event):
        event = loader.get_event()
    return _spot(event, loader, text, in_flow=False)


def walk(root: Spot, path: Path) -> list[Entry]:
    """The entries that lead along a path, as far as there are any."""
    found: list[Entry] = []
    for segment in path:
        entry = (found[-1].value if found else root).find(segment)
        if entry is None:
            break
        found.append(entry)
    return found


def at(root: Spot, path: Path) -> Spot:
    """The value at a path that exists."""
    return walk(root, path)[-1].value if path else root


def _spot(event: Any, loader: Any, text: str, *, in_flow: bool) -> Spot:
    start, column = event.start_mark.index, event.start_mark.column
    end = event.end_mark.index
    if isinstance(event, ScalarEvent):
        if event.style in ("|", ">"):
            return Spot("literal", start, _literal_end(text, event), in_flow, column)
        return Spot("scalar", start, end, in_flow, column)
    is_mapping = isinstance(event, MappingStartEvent)
    flow = in_flow or bool(event.flow_style)
    entries: list[Entry] = []
    each = loader.get_event()
    while _is_value(each):
        key = ("", each.start_mark.index, each.start_mark.index)
        if is_mapping:
            key = (each.value, each.start_mark.index, each.end_mark.index)
            each = loader.get_event()
        entries.append(Entry(*key, _spot(each, loader, text, in_flow=flow)))
        each = loader.get_event()
    end = each.end_mark.index if flow else entries[-1].value.end
    return Spot("mapping" if is_mapping else "list", start, end, flow, column, tuple(entries))


def _is_value(event: Any) -> bool:
    return isinstance(event, NodeEvent)


def _literal_end(text: str, event: Any) -> int:
    """`|+` keeps the blank lines after it, so they are its own."""
    start: int = event.start_mark.index
    end: int = event.end_mark.index
    header = text[start:end].partition("\n")[0].partition("#")[0]
    if "+" not in header:
        return len(text[:end].rstrip())
    return end - len("\r\n" if text[:end].endswith("\r\n") else "\n")
