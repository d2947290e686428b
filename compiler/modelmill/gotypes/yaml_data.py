"""YAML inside a string, as plain data.

In: text that another tool's template or annotation holds. Out: its first document. Iterative and
bounded, unlike yaml.load, whose C recursion ends the process (yaml/libyaml#287) and whose aliases a
few lines long stand for gigabytes.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from modelmill.gotypes.yaml_scalars import resolved

MAX_DEPTH = 64
MAX_VALUES = 100_000
"""With what aliases repeat."""
_MERGE = "<<"
_TEXT = ("!", "tag:yaml.org,2002:str")


class _Open:
    """A collection whose end has not come."""

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.merged: list[Any] = []
        self.size, self.depth = 1, 1


def read_yaml(text: str) -> Any:
    """The first document of a text; None of an empty one. Raises ValueError, whose text says why
    there is none."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reading = _Reading()
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, DocumentEndEvent):
                break
            reading.take(event)
    except yaml.YAMLError as fault:
        raise ValueError(getattr(fault, "problem", None) or "it is not YAML") from None
    return reading.root


class _Reading:
    def __init__(self) -> None:
        self.root: Any = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            if self._wants_key():
                raise ValueError("a key is a word or a string")
            if len(self.stack) >= MAX_DEPTH:
                raise ValueError(f"it has more than {MAX_DEPTH} levels")
            value: Any = {} if isinstance(event, MappingStartEvent) else []
            self.stack.append(_Open(value, event.anchor))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            done = self.stack.pop()
            for each in done.merged:
                done.value = {**each, **done.value}
            self._add(done.value, done.size, done.depth, done.anchor)
        elif isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise ValueError(f"there is no anchor `{event.anchor}` above its alias")
            if self._wants_key():
                raise ValueError("a key is a word or a string")
            self._add(*self.anchors[event.anchor], None)

    def _scalar(self, event: Any) -> None:
        if self._wants_key():
            self.stack[-1].key = event.value
            return
        is_plain = event.implicit[0] and event.tag not in _TEXT
        self._add(resolved(event.value) if is_plain else event.value, 1, 0, event.anchor)

    def _wants_key(self) -> bool:
        return bool(
            self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None
        )

    def _add(self, value: Any, size: int, depth: int, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, size, depth)
        if not self.stack:
            self.root = value
            return
        parent = self.stack[-1]
        parent.size += size
        parent.depth = max(parent.depth, depth + 1)
        if sum(each.size for each in self.stack) > MAX_VALUES:
            raise ValueError(f"it stands for more than {MAX_VALUES} values")
        if len(self.stack) + depth > MAX_DEPTH:
            raise ValueError(f"it has more than {MAX_DEPTH} levels")
        if isinstance(parent.value, list):
            parent.value.append(value)
            return
        key, parent.key = str(parent.key), None
        if key != _MERGE:
            parent.value[key] = value
            return
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in sources):
            raise ValueError("`<<` takes in mappings only")
        # What the mapping says itself wins, then the first that is named.
        parent.merged += sources
