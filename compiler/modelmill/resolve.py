"""Names and layers to one tree per model and environment.

In: the catalog. Out: `Resolved` trees in which every value still knows its place and what it
replaced. Layers, lowest first: the model's presets, the model, the overlay's presets, the overlay's
spec, the model's own entry for that environment. Types are decided later, in `decode`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.catalog import Catalog, Document
from modelmill.chains import linearise
from modelmill.diagnostics import CompileError, Diagnostic, did_you_mean, error
from modelmill.layers import lay, presets_in, without_shared
from modelmill.pins import pinned
from modelmill.references import substitute
from modelmill.selectors import selects
from modelmill.shapes import Problems
from modelmill.spec.kserve import KServeTarget
from modelmill.spec.model import ModelSource
from modelmill.tree import Node, plant, remember
from modelmill.tuples import NamedTuple

Memory = dict[tuple[object, ...], tuple[object, object]]
MADE = "made"
"""Under which a memory has what was made of each variant."""


class Resolved(NamedTuple):
    """One model in one environment (None: without any), merged and with references replaced.
    `memory` is one for all variants of the model; see `Variant.once`. `kserve`: how its resource of
    KServe is written; None where it compiles to plain objects."""

    model: Document
    overlay: Document | None
    chain: tuple[Document, ...]
    tree: Node
    memory: Memory
    kserve: KServeTarget | None = None

    @property
    def environment(self) -> str | None:
        return self.overlay.name if self.overlay else None


class _Model(NamedTuple):
    """What the variants of one model have in common: its own layers, laid; what presets of overlays
    make of them, by the presets' names; and the variants' memory."""

    document: Document
    chain: tuple[Document, ...]
    tree: Node
    laid: dict[tuple[str, ...], Node]
    memory: Memory


class Resolver:
    """Resolves models of one catalog. Remembers what models share, which is preset chains, and the
    last model asked for, whose variants are asked for one after the other."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._chains: dict[tuple[str, ...], tuple[Document, ...]] = {}
        self._folded: dict[tuple[str, ...], Node] = {}
        self._extended: dict[str, list[Document]] = {}
        self._last: _Model | None = None
        self.kept: dict[object, object] = {}
        """What others made of presets alone, once for all models."""

    def forget(self) -> None:
        """Let go of the last model: its variants and what is remembered of them refer to each
        other, which nobody else would free."""
        if self._last is not None:
            memory, self._last = self._last.memory, None
            for (what, *_), (_, made) in memory.items():
                if what == MADE and isinstance(made, dict):
                    made.clear()
            memory.clear()

    def base(self, model: Document) -> Resolved:
        """The model without an environment."""
        own, target = self._own(model), _shared_target(environments_of(self.catalog, model))
        tree = self._finish(model, None, own.tree, own.memory)
        return Resolved(model, None, own.chain, tree, own.memory, target)

    def variant(self, model: Document, overlay: Document) -> Resolved:
        """The model in one environment."""
        own = self._own(model)
        laid = self.chain(overlay.record.extends, overlay)
        layers = (overlay.record.spec, model.record.environments.get(overlay.name))
        tree = self._over(own.tree, laid, own.laid)
        tree = self._fold(tree, [layer for layer in layers if layer is not None])
        tree = self._finish(model, overlay, tree, own.memory)
        chain = (*own.chain, *laid)
        return Resolved(model, overlay, chain, tree, own.memory, target_of(overlay))

    def chain(self, names: tuple[str, ...], user: Document | None) -> tuple[Document, ...]:
        """The presets behind `names`, a preset's parents before it, each once. `user`: whose file
        has the names, to tell what is wrong with them."""
        known = self._chains.get(names)
        if known is None:
            known = self._chains[names] = linearise(self.catalog, names, user)
        return known

    def over(
        self, document: Document, overlay: Document | None, presets: Sequence[Document]
    ) -> Resolved:
        """What presets say of a document that extends none: they are laid over it."""
        layers = [document.record.spec, *(preset.record.spec for preset in presets)]
        tree = _finish(document, overlay, self._fold(Node({}, document.record.spec.place), layers))
        target = target_of(overlay) if overlay is not None else KServeTarget()
        return Resolved(document, overlay, tuple(presets), tree, {}, target)

    def folded(self, presets: Sequence[Document]) -> Node:
        """Presets laid over each other, the last one on top."""
        layers = [preset.record.spec for preset in presets]
        return self._fold(Node({}, layers[0].place), layers)

    def role_presets(self, documents: Iterable[Document]) -> list[Document]:
        """Presets that roles of these documents extend for themselves."""
        found: dict[str, Document] = {}
        for document in documents:
            extended = self._extended.get(document.path)
            if extended is None:
                extended = self._presets_of_roles(document)
                if document.kind != "Model":
                    self._extended[document.path] = extended
            found.update((preset.name, preset) for preset in extended)
        return list(found.values())

    def _presets_of_roles(self, document: Document) -> list[Document]:
        environments = document.node.child("environments")
        own = environments.value.values() if environments is not None else ()
        layers = (document.node.get("spec"), *own)
        return [preset for layer in layers for preset in self.presets_in(layer)]

    def presets_in(self, layer: Node | None) -> list[Document]:
        """Presets that the roles of one layer extend."""
        return presets_in(self.catalog, layer)

    def _finish(
        self, model: Document, overlay: Document | None, tree: Node, memory: Memory
    ) -> Node:
        """What `_finish` makes, with the revisions of the lock: before references are replaced, as
        they may lead to one, and after, as they may be what names the model."""
        locked = pinned(tree, self.catalog.lock, memory)
        return pinned(_finish(model, overlay, locked), self.catalog.lock, memory)

    def _own(self, model: Document) -> _Model:
        if self._last is None or self._last.document is not model:
            chain = self.chain(model.record.extends, model)
            presets = self._over(Node({}, model.record.spec.place), chain, self._folded)
            tree = lay(self.catalog, presets, model.record.spec)
            self._last = _Model(model, chain, tree, {}, {})
        return self._last

    def _over(
        self, tree: Node, presets: Sequence[Document], known: dict[tuple[str, ...], Node]
    ) -> Node:
        """Presets laid over a tree. `known` keeps each step: chains often begin alike, and what
        comes of the same layers is then the same node."""
        names: tuple[str, ...] = ()
        for preset in presets:
            names = (*names, preset.name)
            found = known.get(names)
            if found is None:
                found = known[names] = lay(self.catalog, tree, preset.record.spec)
            tree = found
        return tree

    def _fold(self, tree: Node, layers: Sequence[Node]) -> Node:
        for layer in layers:
            tree = lay(self.catalog, tree, layer)
        return tree


def target_of(overlay: Document) -> KServeTarget | None:
    """How an environment's resources of KServe are written; None where it has plain objects."""
    if overlay.record.target != "kserve":
        return None
    return overlay.record.kserve or KServeTarget()


def _shared_target(overlays: Sequence[Document]) -> KServeTarget | None:
    """What the base is written for: what all environments are, or plain objects."""
    targets = [target_of(overlay) for overlay in overlays]
    found = targets[0] if targets else None
    if found is None or None in targets:
        return None
    return found if all(each == found for each in targets) else KServeTarget()


def _finish(model: Document, overlay: Document | None, tree: Node) -> Node:
    """References replaced, and what was shared by the roles left only in the roles."""
    around = {"metadata": model.node.value["metadata"]}
    if overlay is not None:
        around["environment"] = _environment(overlay)
    whole = Node(without_shared(tree), model.record.spec.place)
    _need_a_model(whole)
    return substitute(whole, around)


def _need_a_model(spec: Node) -> None:
    """What presets refer to without knowing the model, such as its name, must be there. Said here,
    it is said once and in the model, not at every reference."""
    problems = Problems(partial=False)
    model = spec.get("model")
    if model is not None and isinstance(model.value, dict):
        ModelSource.shape().check_required(model, problems)
    if problems.found:
        raise CompileError(problems.found)


def _environment(overlay: Document) -> Node:
    """What `${environment…}` refers to."""
    memo = overlay.node.memo or {}
    known: Node | None = memo.get(_environment)
    if known is None:
        named = {
            "name": overlay.name,
            "namespace": overlay.record.namespace,
            "cluster": overlay.record.cluster,
            "labels": dict(overlay.record.metadata.labels),
        }
        place = overlay.span
        known = plant(named, (place.path, place.line, place.column, place.width))
        remember(overlay.node, _environment, known)
    return known


def environments_of(catalog: Catalog, model: Document) -> tuple[Document, ...]:
    """The overlays that take the model, by name."""
    labels = model.record.metadata.labels
    return tuple(o for o in catalog.overlays.values() if selects(o.record.selector, labels))


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
