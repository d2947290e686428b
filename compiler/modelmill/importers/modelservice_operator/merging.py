"""What the ModelService sets over what the BaseConfig has.

In: two decoded objects. Out: one; neither is changed. `as_made` follows the operator (mergo v1.0.1
with override and its own transformers), where empty values are lost and lists grow. `corrected`
takes every value that is set, and knows the entries of lists by their key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from modelmill.importers.modelservice_operator.words import joined

Tree: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Any, Any], Any]
Rules: TypeAlias = Mapping[str, Rule]

MAPS = frozenset(
    {"labels", "annotations", "matchLabels", "selector", "nodeSelector", "limits", "requests"}
)
"""Mappings of free keys: here the operator lets an empty value win too."""
PARENT = ("group", "kind", "namespace", "name", "sectionName", "port")
GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_SOURCES = ("value", "valueFrom")


def as_made(base: Tree, upper: Tree) -> Tree:
    """An object of the BaseConfig with the ModelService's over it, as the operator merges."""
    return _laid(base, upper, _AS_MADE, _wins_if_set, in_map=False)


def corrected(base: Tree, upper: Tree) -> Tree:
    """The same, with every value that is set, and lists by the keys of their entries."""
    return _laid(base, upper, _CORRECTED, _wins, in_map=False)


def _laid(base: Tree, upper: Tree, rules: Rules, scalar: Rule, *, in_map: bool) -> Tree:
    found = dict(base)
    for key, value in upper.items():
        if key not in found:
            found[key] = value
        elif key in rules:
            found[key] = rules[key](found[key], value)
        elif isinstance(value, dict) and isinstance(found[key], dict):
            found[key] = _laid(found[key], value, rules, scalar, in_map=key in MAPS)
        elif isinstance(value, list) and isinstance(found[key], list):
            found[key] = [*found[key], *value]
        else:
            found[key] = value if in_map else scalar(found[key], value)
    return found


def _wins(_: Any, value: Any) -> Any:
    return value


def _wins_if_set(below: Any, value: Any) -> Any:
    return value if value not in (None, "", 0, [], {}) else below


def _by_name(merge: Callable[[Tree, Tree], Tree]) -> Rule:
    """The operator's lists with a name: the last of a name counts where the BaseConfig has it, and
    each stays where it has not."""

    def merged(base: list[Tree], upper: list[Tree]) -> list[Tree]:
        if not base:
            return upper
        last = {each.get("name"): each for each in upper}
        known = {each.get("name") for each in base}
        kept = [
            merge(each, last[each.get("name")]) if each.get("name") in last else each
            for each in base
        ]
        return [*kept, *(each for each in upper if each.get("name") not in known)]

    return merged


def _container_as_made(base: Tree, upper: Tree) -> Tree:
    return _laid(base, upper, _IN_CONTAINER, _wins_if_set, in_map=False)


def _entry_as_made(base: Tree, upper: Tree) -> Tree:
    return _laid(base, upper, {}, _wins_if_set, in_map=False)


def _prepended(base: list[Any], upper: list[Any]) -> list[Any]:
    return [*upper, *base]


def _replaced(base: list[Any], upper: list[Any]) -> list[Any]:
    return upper or base


_IN_CONTAINER: Rules = {
    "command": _replaced,
    "args": _prepended,
    "env": _by_name(_entry_as_made),
}
_AS_MADE: Rules = {
    "containers": _by_name(_container_as_made),
    "initContainers": _by_name(_container_as_made),
    "parentRefs": _by_name(_entry_as_made),
}


def keyed(key: Callable[[Tree], Any], merge: Callable[[Tree, Tree], Tree]) -> Rule:
    """Lists whose entries have a key: one entry of each, in the order they come."""

    def merged(base: list[Tree], upper: list[Tree]) -> list[Tree]:
        found: dict[Any, Tree] = {}
        for each in (*base, *upper):
            known = found.get(key(each))
            found[key(each)] = each if known is None else merge(known, each)
        return list(found.values())

    return merged


def _container(base: Tree, upper: Tree) -> Tree:
    return _laid(base, upper, _CORRECTED, _wins, in_map=False)


def _env(base: Tree, upper: Tree) -> Tree:
    """A variable has one source: the upper one's, whole."""
    has_source = any(source in upper for source in _SOURCES)
    return upper if has_source else {**base, **upper}


def _volume(base: Tree, upper: Tree) -> Tree:
    """A volume has one source: the same kind merges, another one replaces."""
    same_source = base.keys() == upper.keys()
    return _laid(base, upper, {}, _wins, in_map=False) if same_source else upper


def _mount(base: Tree, upper: Tree) -> Tree:
    return {**base, **upper}


def parent_key(reference: Tree, namespace: str) -> tuple[Any, ...]:
    """A parent with the API's defaults filled in."""
    whole = {**GATEWAY, "namespace": namespace, **reference}
    return tuple(whole.get(part) for part in PARENT)


def parents(base: list[Tree], upper: list[Tree], namespace: str) -> list[Tree]:
    """References to parents by their whole key; one that names all of a parent gives way to one
    that names a section or a port of it."""
    found = {parent_key(each, namespace): each for each in base}
    for each in upper:
        key = parent_key(each, namespace)
        whole = (*key[:4], None, None)
        if key != whole and whole in found:
            found = {key if at == whole else at: ref for at, ref in found.items()}
        found[key] = each
    return list(found.values())


def _distinct(base: list[Any], upper: list[Any]) -> list[Any]:
    return [*base, *(each for each in upper if each not in base)]


def _name(entry: Tree) -> Any:
    return entry.get("name")


_CORRECTED: Rules = {
    "containers": keyed(_name, _container),
    "initContainers": keyed(_name, _container),
    "command": _wins,
    "args": joined,
    "env": keyed(_name, _env),
    "envFrom": _distinct,
    "claims": keyed(_name, _mount),
    "volumes": keyed(_name, _volume),
    "volumeMounts": keyed(lambda mount: mount.get("mountPath"), _mount),
}
