"""V150–V152, V156: patches that hit nothing, replace a list whole, or add what they would replace.

In: the levels of a kustomization. Out: findings. kustomize ends with success in each case
(measured, v5.5 and v5.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error
from modelmill.dotted import spell
from modelmill.tree import Node, word
from modelmill.validation.faults import Path, at, mapping
from modelmill.validation.kustomizations import Patch
from modelmill.validation.manifests import data_of
from modelmill.validation.schemas import Kind, Schemas
from modelmill.validation.traps.scope import Level, Present, meant

DIRECTIVES = frozenset({"$patch", "$retainKeys"})
NAMES = ("name", "containerPort", "mountPath", "key", "port")


def findings(levels: Sequence[Level], schemas: Schemas) -> Iterator[Diagnostic]:
    others = [
        content for level in levels for patch in level.tree.patches for content in patch.contents
    ]
    has_openapi = any(level.tree.field("openapi") is not None for level in levels)
    for level in levels:
        for patch in level.tree.patches:
            targets = _targets(level, patch)
            if patch.target is not None and not targets and level.is_whole:
                yield _misses(level, patch.target)
            for content in patch.contents:
                if isinstance(content.value, list):
                    yield from _operations(content, targets, others)
                elif isinstance(content.value, dict):
                    hit = targets if patch.target is not None else _named(level, content)
                    yield from _merged(content, hit, schemas, has_openapi=has_openapi)


def _targets(level: Level, patch: Patch) -> list[Present]:
    return meant(level, patch.target) if patch.target is not None else []


def _named(level: Level, content: Node) -> list[Present]:
    """The object that a strategic merge patch names as its own."""
    body = mapping(data_of(content))
    name, kind = mapping(body.get("metadata")).get("name"), body.get("kind")
    return [each for each in level.present if each.resource.kind == kind and name in each.names]


def _misses(level: Level, target: Node) -> Diagnostic:
    wanted = mapping(data_of(target))
    kind, name = wanted.get("kind"), str(wanted.get("name") or "")
    known = [n for each in level.present if kind in (None, each.resource.kind) for n in each.names]
    hint = did_you_mean(name, known) if name else ""
    if not hint and kind is not None:
        hint = did_you_mean(str(kind), {each.resource.kind for each in level.present} - {kind})
    told = ", ".join(f"{key} `{value}`" for key, value in wanted.items())
    message = f"the patch hits nothing: there is no object of {told or 'its target'}"
    return error("V150", message, target.span, hint or "kustomize passes over it in silence")


def _operations(
    content: Node, targets: Sequence[Present], others: Sequence[Node]
) -> Iterator[Diagnostic]:
    for index, operation in enumerate(content.value):
        verb, pointer = operation.get("op"), operation.get("path")
        if verb is None or pointer is None or verb.value != "replace":
            continue
        path = word(pointer)
        for target in targets:
            if target.node is None or _is_there(target.resource.body, path):
                continue
            if _is_made(path, [*content.value[:index]], [o for o in others if o is not content]):
                continue
            named = f"{target.resource.kind} `{target.resource.name}`"
            message = f"`replace` adds `{path}`: {named} has nothing there"
            hint = "use `add` if that is meant; else look at the path"
            yield error("V152", message, pointer.span, hint)
            break


def _is_there(body: Any, pointer: str) -> bool:
    value = body
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return True


def _is_made(pointer: str, before: Sequence[Node], others: Sequence[Node]) -> bool:
    """Whether another operation, or another patch, may have put it there."""
    operations = [*before, *(o for other in others for o in _listed(other))]
    for each in operations:
        path = each.get("path")
        if path is not None and f"{pointer}/".startswith(f"{path.value}/"):
            return True
    return any(_is_there(data_of(other), pointer) for other in others)


def _listed(content: Node) -> list[Node]:
    return content.value if isinstance(content.value, list) else []


def _merged(
    content: Node, targets: Sequence[Present], schemas: Schemas, *, has_openapi: bool
) -> Iterator[Diagnostic]:
    for target in targets:
        kind = Kind(target.resource.api_version, target.resource.kind)
        if schemas.is_builtin_group(kind):
            if has_openapi and any(True for _ in _lists(content, ())):
                message = f"`openapi` is set, so this patch of a {kind.kind} replaces lists whole"
                hint = "leave `openapi` out, or write the patch as JSON 6902"
                yield error("V156", message, content.span, hint)
        elif not has_openapi:
            yield from _replaced(content, target)
        return


def _replaced(content: Node, target: Present) -> Iterator[Diagnostic]:
    """Lists of a custom resource that a patch puts its own in place of."""
    for path, node in _lists(content, ()):
        if any(each.get(directive) for each in node.value for directive in DIRECTIVES):
            continue
        old = at(target.resource.body, *path)
        if not isinstance(old, list):
            continue
        kept = {_name(data_of(each)) for each in node.value}
        lost = [name for each in old if (name := _name(each)) not in kept]
        thinner = [n for each in old for n in _thinned(each, data_of(node), _name(each))]
        if not lost and not thinner:
            continue
        where = f"`{spell(path)}` of {target.resource.kind} `{target.resource.name}`"
        gone = ", ".join(f"`{each}`" for each in [*lost, *thinner][:8])
        message = f"the patch replaces the list {where} whole, and loses {gone}"
        hint = "write it as JSON 6902: kustomize merges lists of built-in kinds only"
        notes = [Note("the object is here", target.node.span)] if target.node is not None else []
        yield error("V151", message, node.key_span, hint, notes)


def _lists(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    """The lists of a patch that are in no other list."""
    for key, child in node.value.items():
        if isinstance(child.value, list):
            yield (*path, key), child
        elif isinstance(child.value, dict):
            yield from _lists(child, (*path, key))


def _thinned(old: Any, new: Any, name: str) -> list[str]:
    """Fields that an entry had and its replacement of the same name has not."""
    same = next((each for each in new if _name(each) == name), None)
    if not isinstance(old, Mapping) or not isinstance(same, Mapping):
        return []
    return [f"{name}.{key}" for key in old if key not in same]


def _name(entry: Any) -> str:
    found = mapping(entry)
    return str(next((found[key] for key in NAMES if key in found), entry))
