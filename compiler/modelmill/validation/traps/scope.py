"""What a kustomization has before it: the objects its own entries may be meant for.

In: a tree of kustomizations. Out: each of them with the objects in its reach, under every name they
may be called there: their own, and what prefixes and suffixes of lower levels made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.tree import Node, word
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import mapping
from modelmill.validation.kustomizations import Kustomization
from modelmill.validation.manifests import data_of

GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
SELECTED_BY_WORDS = ("labelSelector", "annotationSelector")
_is_word = regex(r"[A-Za-z0-9_-]*")
_is_equality = regex(r"\s*+([^\s=!,()]++)\s*+={1,2}\s*+([^\s=!,()]*+)\s*+")


class Present(NamedTuple):
    """An object in reach. `node` is None for one that is generated."""

    resource: Resource
    node: Node | None
    names: frozenset[str]


class Level(NamedTuple):
    """One kustomization, and what is in its reach. `is_whole`: there is nothing else in it."""

    tree: Kustomization
    present: tuple[Present, ...]
    is_whole: bool


def levels(tree: Kustomization, around: Sequence[Present] = ()) -> Iterator[Level]:
    """A kustomization and all it takes in; what a component changes is around it."""
    found = present(tree)
    whole = tree.is_whole
    yield Level(tree, (*found, *around), whole)
    for below in tree.below:
        yield from levels(below, found if below.is_component else ())


def present(tree: Kustomization) -> tuple[Present, ...]:
    own = [Present(i.resource, i.node, frozenset({i.resource.name})) for i in tree.items]
    for key, kind in GENERATORS.items():
        for entry in tree.listed(key):
            name = entry.get("name")
            if name is not None and isinstance(name.value, str):
                body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name.value}}
                made = Resource("v1", kind, name.value, body)
                own.append(Present(made, None, frozenset({name.value})))
    for below in tree.below:
        prefix, suffix = (word(below.field(key)) for key in ("namePrefix", "nameSuffix"))
        for each in present(below):
            longer = {f"{prefix}{name}{suffix}" for name in each.names}
            own.append(each._replace(names=each.names | longer))
    return tuple(own)


def meant(level: Level, target: Node) -> list[Present]:
    """The objects a patch's target selects."""
    wanted = mapping(data_of(target))
    return [each for each in level.present if _is_meant(each, wanted)]


def _is_meant(each: Present, wanted: Mapping[str, Any]) -> bool:
    group, _, version = each.resource.api_version.rpartition("/")
    own = {"group": group, "version": version, "kind": each.resource.kind}
    if any(key in wanted and not _fits(wanted[key], own[key]) for key in own):
        return False
    if wanted.get("name") and not any(_fits(wanted["name"], name) for name in each.names):
        return False
    metadata = mapping(each.resource.body.get("metadata"))
    parts = zip(SELECTED_BY_WORDS, ("labels", "annotations"), strict=True)
    return all(
        not wanted.get(key) or _selects(str(wanted[key]), mapping(metadata.get(part)))
        for key, part in parts
    )


def _fits(pattern: object, text: str) -> bool:
    """kustomize reads these as anchored regular expressions of RE2, which never take long: Python's
    can take for ever. Where RE2 is not installed, what is no plain word is taken to fit."""
    written = str(pattern)
    if _is_word.fullmatch(written):
        return written == text
    try:
        import re2
    except ImportError:
        return True
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.fullmatch(written, text, options) is not None
    except (re2.error, UnicodeEncodeError):
        return written == text


def _selects(selector: str, labels: Mapping[str, Any]) -> bool:
    """What equalities say; other forms are taken to select."""
    for part in selector.split(","):
        found = _is_equality.fullmatch(part)
        if found and str(labels.get(found[1])) != found[2]:
            return False
    return True
