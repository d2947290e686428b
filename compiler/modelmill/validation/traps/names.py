"""V154: references of custom resources to what kustomize has given another name.

In: a kustomization and what it builds. Out: findings. Prefixes, suffixes and hashes reach the
fields of built-in kinds, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path
from modelmill.validation.kustomizations import Kustomization, source_of
from modelmill.validation.subjects import Subject, finding
from modelmill.validation.traps.scope import present

NAMING = frozenset({"name", "claimName", "configMapName", "secretName", "serviceAccountName"})
_refers = regex(r"([Rr]ef|[Rr]efs|configMap|secret|persistentVolumeClaim)$")
HINT = "add a `nameReference` under `configurations`, or write final names"


class _Renamed(NamedTuple):
    kind: str
    name: str


def findings(tree: Kustomization, made: Sequence[Subject]) -> Iterator[Diagnostic]:
    built = {(each.resource.kind, each.resource.name) for each in made}
    renamed: dict[str, _Renamed] = {}
    for each in present(tree):
        old = each.resource
        now = [s.resource.name for s in made if s.resource.kind == old.kind and _is(tree, s, each)]
        if now and (old.kind, old.name) not in built:
            renamed[old.name] = _Renamed(old.kind, now[0])
    if not renamed:
        return
    for subject in made:
        for path, value in _references(subject.resource.body, ()):
            to = renamed.get(value)
            if to is not None and not any(name == value for _, name in built):
                message = f"this still names {to.kind} `{value}`, which is now `{to.name}`"
                yield finding(subject, Fault("V154", path, message, HINT))


def _is(tree: Kustomization, subject: Subject, each: Any) -> bool:
    found = source_of(tree, subject.resource)
    if each.node is None:
        return found is None and subject.resource.name.startswith(tuple(each.names))
    return found is not None and found.node is each.node


def _references(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Texts that stand where the name of another object does."""
    if isinstance(value, dict):
        for key, each in value.items():
            here = (*path, key)
            above = next((p for p in reversed(path) if isinstance(p, str)), "")
            is_name = key in NAMING and (key != "name" or _refers.search(above) is not None)
            if isinstance(each, str) and is_name:
                yield here, each
            elif key != "metadata" or path:
                yield from _references(each, here)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _references(each, (*path, place))
