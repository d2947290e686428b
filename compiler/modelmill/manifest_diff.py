"""What a change does to the manifests, as a person reads it.

In: objects before and after. Out: per object what was added, changed and removed, by paths a person
knows: list elements by their name, arguments and lines of text one by one. Never: rendering, or a
literal secret.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

from modelmill.dotted import spell
from modelmill.patch import same
from modelmill.redaction import HIDDEN, hide, is_secret
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple

Act = Literal["added", "changed", "removed"]

KEYS = ("name", "mountPath", "containerPort", "key", "topologyKey", "port", "type")
"""What Kubernetes keys the elements of its lists by; the first that tells all elements apart."""


class Change(NamedTuple):
    """One value of an object. `is_element`: a word of a list, or a line of a text."""

    act: Act
    path: str
    before: Any
    after: Any
    is_element: bool = False


class ObjectChange(NamedTuple):
    """One object; `changes` only where it exists on both sides."""

    act: Act
    kind: str
    name: str
    changes: tuple[Change, ...] = ()


class _Label(str):
    """A list element's name in a path, spelled `[name]`."""

    __slots__ = ()


_Path = tuple[str, ...]


def compare(
    before: Sequence[Resource], after: Sequence[Resource], secrets: Sequence[str]
) -> tuple[ObjectChange, ...]:
    """Changes by object, in order of the newer objects, what was removed last."""
    old, new = by_identity(before), by_identity(after)
    found = []
    for identity, resource in new.items():
        below = old.get(identity)
        if below is None:
            found.append(ObjectChange("added", resource.kind, resource.name))
        elif not same(below.body, resource.body):
            changes = _Comparison(secrets).between((), below.body, resource.body)
            found.append(ObjectChange("changed", resource.kind, resource.name, tuple(changes)))
    gone = [resource for identity, resource in old.items() if identity not in new]
    return (*found, *(ObjectChange("removed", each.kind, each.name) for each in gone))


def by_identity(resources: Sequence[Resource]) -> dict[tuple[str, ...], Resource]:
    """By group, not version: a new version of its API makes it no other object."""
    return {
        (
            r.api_version.rpartition("/")[0],
            r.kind,
            str(r.body.get("metadata", {}).get("namespace", "")),
            r.name,
        ): r
        for r in resources
    }


class _Comparison:
    """The walk down two values; keeps the secrets that nothing may show."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = secrets

    def between(self, path: _Path, old: Any, new: Any) -> Iterator[Change]:
        if same(old, new):
            return
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self._mappings(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            yield from self._lists(path, old, new)
        elif isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
            yield from self._elements(path, old.splitlines(), new.splitlines())
        else:
            yield self._change("changed", path, old, new)

    def _mappings(
        self, path: _Path, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> Iterator[Change]:
        for key in dict.fromkeys([*old, *new]):
            below = (*path, key)
            if key not in new:
                yield self._change("removed", below, old[key], None)
            elif key not in old:
                yield self._change("added", below, None, new[key])
            else:
                yield from self.between(below, old[key], new[key])

    def _lists(self, path: _Path, old: list[Any], new: list[Any]) -> Iterator[Change]:
        key = next((k for k in KEYS if _is_keyed(old, k) and _is_keyed(new, k)), None)
        if key is not None:
            named: list[dict[str, Any]] = [
                {_Label(each[key]): each for each in side} for side in (old, new)
            ]
            yield from self._mappings(path, named[0], named[1])
            if list(named[0]) != list(named[1]) and named[0].keys() == named[1].keys():
                yield self._change("changed", (*path, "order"), list(named[0]), list(named[1]))
        elif len(old) == len(new) and all(isinstance(each, dict) for each in [*old, *new]):
            for index, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from self.between((*path, _Label(index)), one, other)
        else:
            yield from self._elements(path, old, new)

    def _elements(self, path: _Path, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
        texts = [[_text(each) for each in side] for side in (old, new)]
        matcher = SequenceMatcher(None, texts[0], texts[1])
        for act, start, end, new_start, new_end in matcher.get_opcodes():
            if act == "equal":
                continue
            for each in old[start:end]:
                yield self._change("removed", path, each, None, is_element=True)
            for each in new[new_start:new_end]:
                yield self._change("added", path, None, each, is_element=True)

    def _change(
        self, act: Act, path: _Path, old: Any, new: Any, *, is_element: bool = False
    ) -> Change:
        values = [self._hidden(path, each) for each in (old, new)]
        return Change(act, _spell(path), values[0], values[1], is_element)

    def _hidden(self, path: _Path, value: Any) -> Any:
        if value is not None and path[-1:] == ("value",) and is_secret(path[:-1]):
            return HIDDEN
        return hide(value, path, self.secrets)


def _is_keyed(elements: list[Any], key: str) -> bool:
    keys = [each.get(key) if isinstance(each, dict) else None for each in elements]
    is_told = all(isinstance(each, str | int) for each in keys)
    return is_told and len({str(each) for each in keys}) == len(keys)


def _text(value: Any) -> Hashable:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _spell(path: _Path) -> str:
    """`spec.containers[engine].args`"""
    text = ""
    for segment in path:
        spelled = f"[{segment}]" if isinstance(segment, _Label) else spell((segment,))
        text += spelled if not text or spelled.startswith("[") else f".{spelled}"
    return text
