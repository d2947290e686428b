"""YAML as plain data, without places: what is read but never pointed at, such as CRDs.

In: bytes. Out: documents of dicts, lists and scalars. Iterative and bounded, as CRDs are larger
than any other file here and may come with a pull request.
"""

from __future__ import annotations

from collections.abc import Iterator
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

from modelmill.diagnostics import CompileError, Span, error
from modelmill.gotypes.yaml_scalars import resolved
from modelmill.yaml_faults import syntax_error, text_of

MAX_BYTES = 64 << 20
MAX_DEPTH = 256


def documents(name: str, data: bytes) -> Iterator[Any]:
    """The documents of a file; anchors and aliases, which no tool writes into one, are refused."""
    text = text_of(name, data.removeprefix(b"\xef\xbb\xbf"))
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from _documents(name, yaml.parse(text, Loader=loader))
    except yaml.YAMLError as fault:
        raise CompileError([syntax_error(name, text, fault)._replace(code="V112")]) from None


def _documents(name: str, events: Iterator[Any]) -> Iterator[Any]:
    stack: list[Any] = []
    keys: list[Any] = []
    root: Any = None
    for event in events:
        kind = type(event)
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            stack.pop()
            keys.pop()
            continue
        if kind is DocumentEndEvent:
            yield root
            root = None
            continue
        if kind is ScalarEvent:
            value: Any = resolved(event.value) if event.implicit[0] else event.value
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            value = {} if kind is MappingStartEvent else []
        elif kind is AliasEvent:
            raise _refused(name, event, "aliases are not read here")
        else:
            continue
        if stack and isinstance(stack[-1], dict) and keys[-1] is None:
            keys[-1] = _key(name, event)
            continue
        if not stack:
            root = value
        elif isinstance(stack[-1], dict):
            stack[-1][keys[-1]] = value
            keys[-1] = None
        else:
            stack[-1].append(value)
        if kind is not ScalarEvent:
            if len(stack) >= MAX_DEPTH:
                raise _refused(name, event, f"values are nested deeper than {MAX_DEPTH} levels")
            stack.append(value)
            keys.append(None)


def _key(name: str, event: Any) -> str:
    if type(event) is not ScalarEvent:
        raise _refused(name, event, "a key must be a word or a string")
    return str(event.value)


def _refused(name: str, event: Any, message: str) -> CompileError:
    mark = event.start_mark
    return CompileError([error("V112", message, Span(name, mark.line + 1, mark.column + 1))])
