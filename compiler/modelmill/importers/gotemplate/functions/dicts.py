"""Sprig's dictionaries: https://masterminds.github.io/sprig/dicts.html.

In: maps. Out: maps and what they hold. `set`, `unset` and the merges change the map they are given,
as Go's do. `keys` and `values` come in the order of the keys, which Go leaves to chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.printing import printed
from modelmill.importers.gotemplate.signatures import Function, function, referring
from modelmill.importers.gotemplate.values import Strings, own, truth, type_of

_Map = dict[str, Any]


def _made(*pairs: Any) -> _Map:
    values = [*pairs, ""] if len(pairs) % 2 else list(pairs)
    return {printed(values[i]): values[i + 1] for i in range(0, len(values), 2)}


def _set(target: _Map, key: str, value: Any) -> _Map:
    target[key] = value
    return target


def _unset(target: _Map, key: str) -> _Map:
    target.pop(key, None)
    return target


def _dug(*path: Any) -> Any:
    """`dig "a" "b" default map`: the value at a path, or the default if a key is not there."""
    *keys, default, value = path
    for key in keys:
        if not isinstance(key, str):
            raise Fault(f"a key is a string, not {type_of(key)}")
        if type(value) is not dict:
            raise Fault(f"a map is expected at `{key}`, not {type_of(value)}")
        if key not in value:
            return default
        value = value[key]
    return value


def _merged(target: _Map, *sources: _Map) -> _Map:
    """What the target lacks, or has empty, from the sources; earlier ones win."""
    for source in sources:
        _merge(target, source, overwrites=False)
    return target


def _overwritten(target: _Map, *sources: _Map) -> _Map:
    """Later sources win, nil and empty values too."""
    for source in sources:
        _merge(target, source, overwrites=True)
    return target


def _merge(target: _Map, source: _Map, *, overwrites: bool) -> None:
    """https://pkg.go.dev/dario.cat/mergo: maps in maps are merged; nil never fills a gap."""
    if target is source:
        return
    for key, value in list(source.items()):
        present = target.get(key)
        if value is None and not overwrites:
            continue
        if isinstance(value, dict) and isinstance(present, dict) and present:
            _merge(present, value, overwrites=overwrites)
        elif overwrites or not truth(present):
            target[key] = value


def _picked(value: _Map, *keys: str) -> _Map:
    return {key: value[key] for key in keys if key in value}


def _omitted(value: _Map, *keys: str) -> _Map:
    return {key: each for key, each in value.items() if key not in keys}


def _plucked(key: str, *values: _Map) -> list[Any]:
    return [value[key] for value in values if key in value]


def _keys(*values: _Map) -> Strings:
    return Strings(key for value in values for key in sorted(value))


FUNCTIONS: Mapping[str, Function] = {
    "deepCopy": function("any", own),
    "dict": referring("any...", _made),
    "dig": referring("any any any any...", _dug),
    "get": referring("map string", lambda value, key: value.get(key, "")),
    "hasKey": referring("map string", lambda value, key: key in value),
    "keys": referring("map...", _keys),
    "merge": function("map map...", _merged),
    "mergeOverwrite": function("map map...", _overwritten),
    "mustDeepCopy": function("any", own),
    "mustMerge": function("map map...", _merged),
    "mustMergeOverwrite": function("map map...", _overwritten),
    "omit": referring("map string...", _omitted),
    "pick": referring("map string...", _picked),
    "pluck": referring("string map...", _plucked),
    "set": referring("map string any", _set),
    "unset": referring("map string", _unset),
    "values": referring("map", lambda value: [value[key] for key in sorted(value)]),
}
