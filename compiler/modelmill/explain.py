"""Where each value of a model came from.

In: a resolved tree and the catalog it was made from. Out: per path an Origin: the value, the place
and layer that set it, what it replaced beneath, and what its references led to. Never: printing, or
a literal secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from modelmill.catalog import Catalog, Document
from modelmill.diagnostics import Span, did_you_mean
from modelmill.dotted import spell
from modelmill.pins import digests, image_key, span_of
from modelmill.record import RecordShape
from modelmill.redaction import hide, literals
from modelmill.reference_text import referred
from modelmill.resolve import Resolved
from modelmill.secret_patterns import masked
from modelmill.shapes import Shape
from modelmill.spec.documents import Spec
from modelmill.spec.role import SHARED
from modelmill.tree import Node, Place, plain
from modelmill.tuples import NamedTuple

Path = tuple[str | int, ...]
Act = Literal["set", "unset", "replaced"]
BESIDE = ("metadata", "environment")
"""Roots a reference finds beside the spec; `references` looks there first."""


class Layer(NamedTuple):
    """One layer of the fold, as messages name it. `environment`: the model's entry for it."""

    kind: str
    name: str
    environment: str | None = None

    def __str__(self) -> str:
        entry = f", its entry for `{self.environment}`" if self.environment else ""
        return f"{self.kind.lower()} `{self.name}`{entry}"


class Step(NamedTuple):
    """One layer's say about a value. `text` is what is written there, `whole` the path above that
    was replaced or unset as a whole, and took this value with it."""

    act: Act
    text: Any
    span: Span
    layer: Layer
    whole: str = ""


class Referred(NamedTuple):
    """What one `${…}` of a value led to."""

    text: str
    path: str
    value: Any
    span: Span
    layer: Layer
    references: tuple[Referred, ...] = ()


class Origin(NamedTuple):
    """A value and where it came from, newest first. `is_set`: no layer took it away again."""

    path: str
    is_set: bool
    value: Any
    steps: tuple[Step, ...]
    references: tuple[Referred, ...]


class Trace:
    """Origins in one resolved tree."""

    def __init__(self, catalog: Catalog, resolved: Resolved) -> None:
        self.tree = resolved.tree
        self.model = resolved.model
        self.overlay = resolved.overlay
        documents = [resolved.model, *catalog.presets.values(), *catalog.overlays.values()]
        self._lock = catalog.lock
        documents += [self._lock] if self._lock is not None else []
        self._documents = {document.path: document for document in documents}
        self._entries = _entry_places(resolved.model)
        self._secrets = literals(plain(document.node) for document in documents)

    def everything(self) -> list[Origin]:
        """Every leaf of the spec, in the order of the tree."""
        return [self.origin(path) for path in leaves(self.tree)]

    def below(self, path: Path) -> list[Origin]:
        """The value at a path, or every leaf below it; nothing if no layer ever set it."""
        found = []
        for each in self.meant(path):
            node = _raw(self.tree, each)
            if node is not None and isinstance(node.value, dict) and node.value:
                found += [self.origin((*each, *rest)) for rest in leaves(node)]
            elif node is not None or any(True for _ in _chain(self.tree, each)):
                found.append(self.origin(each))
        return found

    def meant(self, path: Path) -> list[Path]:
        """What stands at the top of a spec for all roles is in every role, once resolved."""
        roles = _raw(self.tree, ("roles",))
        if path[0] not in SHARED or path[0] in self.tree.value or roles is None:
            return [path]
        return [("roles", name, *path) for name, role in roles.value.items() if role.value]

    def unset(self, path: Path) -> tuple[bool, str]:
        """What to say of a path that no layer sets, and whether it is a field at all."""
        return _unset(self.tree, (self.meant(path) or [path])[0])

    def origin(self, path: Path) -> Origin:
        node = _raw(self.tree, path)
        is_set = node is not None and node.value is not None
        value = hide(plain(node), path, self._secrets) if node is not None and is_set else None
        text = node.source if node is not None else None
        references = self._references(text, path) if text is not None else ()
        pin = tuple(self._pins(path, value))
        steps = (*pin, *self._steps(path))
        return Origin(_spelt(path), is_set, pin[0].text if pin else value, steps, references)

    def layer_of(self, place: Place) -> Layer:
        document = self._documents[place[0]]
        return Layer(document.kind, document.name, self._entries.get(place))

    def _pins(self, path: Path, value: Any) -> Iterator[Step]:
        """What the lock lays over an image. Revisions it has laid over the tree already."""
        if self._lock is None or not isinstance(value, str) or path[-1] not in ("image", "uri"):
            return
        name = value if path[-1] == "image" else value.partition("oci://")[2].partition("::")[0]
        digest = digests(self._lock).get(image_key(name)) if name else None
        if digest is not None:
            span = span_of(self._lock, "images", image_key(name))
            pinned = value.replace(name, f"{name}@{digest}", 1)
            yield Step("set", pinned, span, Layer(self._lock.kind, self._lock.name))

    def _steps(self, path: Path) -> Iterator[Step]:
        if _raw(self.tree, path) is None:
            depth = next(n for n in range(len(path), -1, -1) if _raw(self.tree, path[:n]))
            above = _raw(self.tree, path[:depth])
            assert above is not None
            layer = self.layer_of(above.place)
            act: Act = "unset" if above.value is None else "replaced"
            yield Step(act, None, above.span, layer, _spelt(path[:depth]))
        for node, depth in _chain(self.tree, path):
            whole = _spelt(path[:depth]) if 0 < depth < len(path) else ""
            yield self._step(node, path, whole)

    def _step(self, node: Node, path: Path, whole: str) -> Step:
        written = node.source if node.source is not None else plain(node)
        text = hide(written, path, self._secrets)
        act: Act = "set" if node.value is not None else "unset"
        return Step(act, text, node.span, self.layer_of(node.place), whole)

    def _references(self, text: str, holder: Path) -> tuple[Referred, ...]:
        return tuple(self._referred(written, path, holder) for written, path in referred(text))

    def _referred(self, written: str, path: Path, holder: Path) -> Referred:
        if path[0] in BESIDE:
            node, beside = self._beside(path)
            return Referred(written, _spelt(path), beside, node.span, self.layer_of(node.place))
        role = holder[:2] if holder[0] == "roles" else ()
        inner = _raw(self.tree, (*role, path[0])) if role else None
        whole = (*role, *path) if inner is not None and inner.value is not None else path
        found = self.tree.nearest(*whole)
        value = hide(plain(found), whole, self._secrets)
        further = self._references(found.source, whole) if found.source is not None else ()
        layer = self.layer_of(found.place)
        return Referred(written, _spelt(whole), value, found.span, layer, further)

    def _beside(self, path: Path) -> tuple[Node, Any]:
        """What `metadata…` of the model or `environment…` of the overlay stands for."""
        if path[0] == "metadata" or self.overlay is None:
            node = self.model.node.nearest(*path)
        else:
            inside = path[1:2] in (("name",), ("labels",))
            node = self.overlay.node.nearest(*(("metadata",) if inside else ()), *path[1:])
        return node, hide(plain(node), path, self._secrets)


def leaves(node: Node) -> Iterator[Path]:
    """Paths of the values below a node: scalars, lists and empty mappings, as merging sees them."""
    for key, child in node.value.items():
        if isinstance(child.value, dict) and child.value:
            yield from ((key, *rest) for rest in leaves(child))
        elif child.value is not None:
            yield (key,)


def _unset(tree: Node, path: Path) -> tuple[bool, str]:
    shape: Shape | None = Spec.shape()
    default: Any = None
    for depth, segment in enumerate(path):
        parent, shape = shape, shape.child(str(segment)) if shape is not None else None
        is_field = isinstance(parent, RecordShape) and shape is not None
        if not is_field and _raw(tree, path[: depth + 1]) is None:
            near = _raw(tree, path[:depth])
            known = list(near.value) if near is not None and isinstance(near.value, dict) else []
            known += parent.fields if isinstance(parent, RecordShape) else ()
            hint = did_you_mean(str(segment), known)
            return False, f"there is no `{_spelt(path[: depth + 1])}`" + (hint and f"; {hint}")
        default = parent.fields[str(segment)].default if isinstance(parent, RecordShape) else None
    if isinstance(default, bool | int | str):
        return True, f"{_spelt(path)} is not set; its default is {json.dumps(default)}"
    return True, f"{_spelt(path)} is not set"


def _raw(node: Node | None, path: Sequence[str | int]) -> Node | None:
    """The node at a path, an unset one (null) included."""
    for segment in path:
        value: Any = node.value if node is not None else None
        if isinstance(value, dict):
            node = value.get(str(segment))
        elif isinstance(value, list) and isinstance(segment, int) and segment < len(value):
            node = value[segment]
        else:
            return None
    return node


def _chain(node: Node, path: Path) -> Iterator[tuple[Node, int]]:
    """What stood at a path in each layer, newest first. The number is how deep the value lies that
    was replaced as a whole; what the path's own history tells is not told again from above."""
    seen: set[Place] = set()
    for depth in range(len(path), -1, -1):
        holder = _raw(node, path[:depth])
        if holder is None:
            continue
        if depth == len(path):
            for each in holder.history():
                seen.add(each.place)
                yield each, depth
        elif holder.under is not None:
            for older, _ in _chain(holder.under, path[depth:]):
                if older.place not in seen:
                    seen.add(older.place)
                    yield older, depth


def _entry_places(model: Document) -> dict[Place, str]:
    """Places in the model's entries for environments, as these share its file."""
    entries = model.node.get("environments")
    names = entries.value if entries is not None else {}
    return {place: name for name, node in names.items() for place in _places(node)}


def _places(node: Node) -> Iterator[Place]:
    yield node.place
    if isinstance(node.value, dict | list):
        children = node.value.values() if isinstance(node.value, dict) else node.value
        for child in children:
            yield from _places(child)


def _spelt(path: Sequence[str | int]) -> str:
    """A path, without what somebody wrote as a key that is a secret."""
    return masked(spell(path))
