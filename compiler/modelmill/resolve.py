"""Names and layers to one tree per model and environment.

In: the catalog. Out: `Resolved` trees in which every value still knows its place and what it
replaced. Layers, lowest first: the model's presets, the model, the overlay's presets, the overlay's
spec, the model's own entry for that environment. Types are decided later, in `decode`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from modelmill.catalog import Catalog, Document
from modelmill.chains import linearise, unknown_preset
from modelmill.diagnostics import CompileError, Diagnostic, Note, did_you_mean, error
from modelmill.merge import merge
from modelmill.references import substitute
from modelmill.spec.documents import Spec
from modelmill.spec.role import SHARED, Role
from modelmill.tree import Node, plant

Memory = dict[tuple[object, ...], tuple[object, object]]


class Resolved(NamedTuple):
    """One model in one environment (None: without any), merged and with references replaced.
    `memory` is one for all variants of the model; see `Variant.once`."""

    model: Document
    overlay: Document | None
    chain: tuple[Document, ...]
    tree: Node
    memory: Memory

    @property
    def environment(self) -> str | None:
        return self.overlay.name if self.overlay else None


class Resolver:
    """Resolves models of one catalog; remembers preset chains, which models share."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._folded: dict[tuple[str, ...], Node] = {}
        self._chains: dict[tuple[str, ...], tuple[Document, ...]] = {}
        self._own: tuple[str, tuple[Document, ...], Node] | None = None
        self._memory: Memory = {}

    def base(self, model: Document) -> Resolved:
        """The model without an environment."""
        chain, tree = self._layers_of(model)
        return Resolved(model, None, chain, self._finish(model, None, tree), self._memory)

    def variant(self, model: Document, overlay: Document) -> Resolved:
        """The model in one environment."""
        chain, tree = self._layers_of(model)
        laid = self.chain(overlay.record.extends, overlay)
        layers = [preset.record.spec for preset in laid]
        if overlay.record.spec is not None:
            layers.append(overlay.record.spec)
        own = model.record.environments.get(overlay.name)
        if own is not None:
            layers.append(own)
        for layer in layers:
            tree = self._lay(tree, layer)
        tree = self._finish(model, overlay, tree)
        return Resolved(model, overlay, (*chain, *laid), tree, self._memory)

    def chain(self, names: tuple[str, ...], user: Document) -> tuple[Document, ...]:
        """The presets behind `names`, a preset's parents before it, each once."""
        known = self._chains.get(names)
        if known is None:
            known = self._chains[names] = linearise(self.catalog, names, user)
        return known

    def role_presets(self, documents: Iterable[Document]) -> list[Document]:
        """Presets that roles of these documents extend for themselves."""
        found: dict[str, Document] = {}
        for document in documents:
            node = document.node
            layers = [
                node.get("spec"),
                *(node.child("environments") or Node({}, node.place)).value.values(),
            ]
            for layer in layers:
                found.update((p.name, p) for p in self.presets_in(layer))
        return list(found.values())

    def presets_in(self, layer: Node | None) -> list[Document]:
        """Presets that the roles of one layer extend."""
        roles = layer.get("roles") if layer is not None else None
        names = roles.value if roles is not None and isinstance(roles.value, dict) else {}
        return [preset for role in names.values() for preset in self._role_presets(role)]

    def _layers_of(self, model: Document) -> tuple[tuple[Document, ...], Node]:
        if self._own is not None and self._own[0] == model.path:
            return self._own[1:]
        chain = self.chain(model.record.extends, model)
        key = tuple(preset.name for preset in chain)
        tree = self._folded.get(key)
        if tree is None:
            tree = Node({}, model.record.spec.place)
            for preset in chain:
                tree = self._lay(tree, preset.record.spec)
            self._folded[key] = tree
        self._own, self._memory = (model.path, chain, self._lay(tree, model.record.spec)), {}
        return self._own[1:]

    def _lay(self, lower: Node, layer: Node) -> Node:
        """One layer over the layers below. What stands at the top of a spec for all roles goes into
        every role in its own layer: a later layer's general value beats an earlier special one."""
        above = layer.value
        roles, under = above.get("roles"), lower.value.get("roles")
        added, below = _entries(roles, "`roles`"), _entries(under, "`roles`")
        rest = Node({k: v for k, v in above.items() if k != "roles"}, layer.place, layer.key)
        merged = merge(
            Node({k: v for k, v in lower.value.items() if k != "roles"}, lower.place),
            rest,
            Spec.shape(),
        )
        if roles is not None and roles.value is None:
            merged.value["roles"] = Node(None, roles.place, roles.key, under)
            return merged
        names = dict.fromkeys([*below, *added])
        if not names:
            return merged
        shared = Node(_shared(above), layer.place)
        laid = {
            name: self._lay_role(name, merged, shared, below.get(name), added.get(name))
            for name in names
        }
        top = roles or under or layer
        merged.value["roles"] = Node(laid, top.place, top.key)
        return merged

    def _lay_role(
        self, name: str, spec: Node, shared: Node, lower: Node | None, upper: Node | None
    ) -> Node:
        """One role. `lower` is None where it is new, and null where a layer below unset it."""
        shape = Role.shape()
        if upper is None:
            assert lower is not None
            unset = lower.value is None or not shared.value
            return lower if unset else merge(lower, shared, shape)
        if not _entries(upper, f"the role `{name}`") and upper.value is None:
            return Node(None, upper.place, upper.key, lower)
        if lower is None or lower.value is None:
            role = Node(_shared(spec.value), upper.place, upper.key, lower)
        else:
            # What all roles share was not written in the role: its place stays its own.
            above = Node(shared.value, lower.place, lower.key)
            role = merge(lower, above, shape) if shared.value else lower
        for preset in self._role_presets(upper):
            role = merge(
                role, Node(_shared(preset.record.spec.value), preset.record.spec.place), shape
            )
        return merge(role, upper, shape)

    def _role_presets(self, role: Node) -> tuple[Document, ...]:
        extends = role.get("extends")
        if extends is None:
            return ()
        if not isinstance(extends.value, list):
            raise CompileError([_not_written("`extends`", "a list", extends)])
        names = tuple(str(item.value) for item in extends.value)
        unknown = [item for item in extends.value if item.value not in self.catalog.presets]
        if unknown:
            raise CompileError(unknown_preset(self.catalog, item.value, item) for item in unknown)
        chain = linearise(self.catalog, names, None)
        problems = [
            _more_than_a_role(self.catalog, preset, key, extends.value)
            for preset in chain
            for key in preset.record.spec.value
            if key not in SHARED
        ]
        if problems:
            raise CompileError(problems)
        return chain

    def _finish(self, model: Document, overlay: Document | None, tree: Node) -> Node:
        """References replaced, and what was shared by the roles left only in the roles."""
        entries = {
            k: v for k, v in tree.value.items() if k not in SHARED or "roles" not in tree.value
        }
        around = {"metadata": model.node.value["metadata"]}
        if overlay is not None:
            place = overlay.span
            around["environment"] = plant(
                {
                    "name": overlay.name,
                    "namespace": overlay.record.namespace,
                    "cluster": overlay.record.cluster,
                    "labels": dict(overlay.record.metadata.labels),
                },
                (place.path, place.line, place.column, place.width),
            )
        return substitute(Node(entries, model.record.spec.place), around)


def environments_of(catalog: Catalog, model: Document) -> tuple[Document, ...]:
    """The overlays that take the model, by name."""
    labels = model.record.metadata.labels
    return tuple(o for o in catalog.overlays.values() if _selects(o.record.selector, labels))


def unknown_environments(catalog: Catalog, model: Document) -> list[Diagnostic]:
    """Entries under a model's `environments` that no overlay is named like."""
    entries = model.node.get("environments")
    return [
        error(
            "R303",
            f"there is no environment `{name}`",
            entry.key_span,
            did_you_mean(name, catalog.overlays)
            or ("environments are " + ", ".join(catalog.overlays) if catalog.overlays else "")
            or f"add {catalog.project.paths.overlays}/{name}/environment.yaml",
        )
        for name, entry in (entries.value.items() if entries else ())
        if name not in catalog.overlays and ("Overlay", name) not in catalog.unread
    ]


def _entries(node: Node | None, what: str) -> dict[str, Node]:
    """What is below a mapping; none where it is absent or null. Layers are merged before references
    are replaced, so none can stand for it."""
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise CompileError([_not_written(what, "a mapping", node)])
    entries: dict[str, Node] = node.value
    return entries


def _not_written(what: str, says: str, node: Node) -> Diagnostic:
    return error("S402", f"{what} must be {says}; a reference cannot stand for it", node.span)


def _more_than_a_role(
    catalog: Catalog, preset: Document, key: str, entries: list[Node]
) -> Diagnostic:
    entry = next(e for e in entries if preset in linearise(catalog, (e.value,), None))
    it = "it" if entry.value == preset.name else f"its preset `{preset.name}`"
    return error(
        "R310",
        f"a role cannot extend `{entry.value}`: {it} sets `{key}`, which a role does not have",
        entry.span,
        "extend it in the model, or move the part for a role into a preset of its own",
        [Note(f"`{key}` is set here", preset.record.spec.value[key].key_span)],
    )


def _shared(spec: dict[str, Node]) -> dict[str, Node]:
    return {key: spec[key] for key in SHARED if key in spec}


def _selects(selector: object, labels: object) -> bool:
    from modelmill.spec.documents import Selector

    assert isinstance(selector, Selector)
    have = dict(labels)  # type: ignore[call-overload]
    if any(have.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_meets(r.key, r.operator, r.values, have) for r in selector.match_expressions)


def _meets(key: str, operator: str, values: tuple[str, ...], labels: dict[str, str]) -> bool:
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) == (operator == "Exists")
    return (labels.get(key) in values) == (operator == "In")
