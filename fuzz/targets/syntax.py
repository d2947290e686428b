"""The reader of our own files: what it takes, others read alike, and what we write it reads again.

In: any bytes, as a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import yaml

from fuzz.corpus import sources
from fuzz.holds import answered
from modelmill import yamltext
from modelmill.syntax import parse_any
from modelmill.tree import Node

_make = yaml.constructor.SafeConstructor().construct_object


def seeds() -> Iterator[bytes]:
    yield from sources()
    yield b"a: [1, 0x1F, -0, .5, 1.5e+3, true, ~, 'it''s', \"\\u00e9\"]\n"
    yield b"b: |2-\n   x\n  y\n? c\n: >+\n z\n\n"


def check(data: bytes) -> None:
    root = answered(lambda: parse_any("f.yaml", data))
    again = answered(lambda: parse_any("f.yaml", data))
    if not isinstance(root, Node) or not isinstance(again, Node):
        assert root == again, "another answer the second time"
        return
    meant = _plain(root)
    assert repr(_placed(root)) == repr(_placed(again)), "another answer the second time"
    with suppress(yaml.YAMLError):  # PyYAML refuses some text that libyaml's events hold
        assert _same(meant, _read(yaml.compose(data, yaml.CSafeLoader))), (
            "PyYAML reads another value"
        )
    if isinstance(meant, dict | list):
        written = yamltext.dump(meant)
        assert _same(meant, _plain(parse_any("w.yaml", written.encode()))), written
        assert yamltext.dump(meant) == written


def _plain(node: Node) -> Any:
    """Every value, what is unset included."""
    if isinstance(node.value, dict):
        return {key: _plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    return node.value


def _placed(node: Node) -> Any:
    """Every value with its place."""
    value = node.value
    if isinstance(value, dict):
        value = [(key, _placed(child)) for key, child in value.items()]
    elif isinstance(value, list):
        value = list(map(_placed, value))
    return value, node.place, node.key


def _read(node: Any) -> Any:
    """What PyYAML means, keys as they are written."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _read(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_read(value) for value in node.value]
    return _make(node)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-15)
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)
