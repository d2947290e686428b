"""One layer of a spec over the layers below it.

In: two trees, and the catalog whose presets roles extend. Out: the tree with the layer on it. What
stands at the top of a spec for all roles goes into every role in its own layer: a later layer's
general value beats an earlier layer's special one. Which layers there are, `resolve` knows.
"""

from __future__ import annotations

from modelmill.catalog import Catalog, Document
from modelmill.chains import linearise, unknown_preset
from modelmill.diagnostics import CompileError, Diagnostic, Note, error
from modelmill.groups import SIMULATOR
from modelmill.merge import merge
from modelmill.spec.documents import Spec
from modelmill.spec.role import SHARED, Role
from modelmill.tree import Node

_IS_SHARED = frozenset(SHARED)
# What `worker` says of the engine, and of the pod it is in.
WORKER_ENGINE = ("command", "args", "argv", "env")
WORKER_POD = ("resources", "probes", "pod", "container")


def lay(catalog: Catalog, lower: Node, layer: Node) -> Node:
    """The layer over the layers below."""
    said = _without_roles(layer)
    merged = merge(_without_roles(lower), said, Spec.shape())
    roles, under = layer.value.get("roles"), lower.value.get("roles")
    added, below = _entries(roles, "`roles`"), _entries(under, "`roles`")
    if roles is not None and roles.value is None:
        merged.value["roles"] = Node(None, roles.place, roles.key, under)
    elif added or below:
        shared = Node(_shared(said), layer.place)
        laid = {
            name: _lay_role(catalog, name, merged, shared, below.get(name), added.get(name))
            for name in dict.fromkeys([*below, *added])
        }
        if roles is None and under is not None and all(laid[name] is below[name] for name in laid):
            merged.value["roles"] = under
        else:
            top = roles or under or layer
            merged.value["roles"] = Node(laid, top.place, top.key)
    return merged


def presets_in(catalog: Catalog, layer: Node | None) -> list[Document]:
    """Presets that the roles of one layer extend."""
    roles = layer.get("roles") if layer is not None else None
    names = roles.value if roles is not None and isinstance(roles.value, dict) else {}
    return [preset for role in names.values() for preset in _role_presets(catalog, role)]


def without_shared(tree: Node) -> dict[str, Node]:
    """The entries of a finished spec: what its roles share is left only in the roles."""
    if "roles" not in tree.value:
        return dict(tree.value)
    return {key: node for key, node in tree.value.items() if key not in _IS_SHARED}


def _lay_role(
    catalog: Catalog, name: str, spec: Node, shared: Node, lower: Node | None, upper: Node | None
) -> Node:
    """One role. `lower` is None where it is new, and null where a layer below unset it."""
    shape = Role.shape()
    if upper is None:
        assert lower is not None
        return lower if lower.value is None else _shared_by(lower, shared)
    if not _entries(upper, f"the role `{name}`") and upper.value is None:
        return Node(None, upper.place, upper.key, lower)
    if lower is None or lower.value is None:
        role = Node(_shared(spec), upper.place, upper.key, lower)
    else:
        role = _shared_by(lower, shared)
    for preset in _role_presets(catalog, upper):
        role = merge(role, Node(_shared(preset.record.spec), preset.record.spec.place), shape)
    return merge(role, upper, shape)


def _shared_by(role: Node, shared: Node) -> Node:
    """A role with what all roles share in a layer. It was not written in the role, whose place
    stays its own."""
    if not shared.value:
        return role
    return merge(role, Node(shared.value, role.place, role.key), Role.shape())


def _role_presets(catalog: Catalog, role: Node) -> tuple[Document, ...]:
    """The presets behind what a role extends, of which each must fit a role."""
    extends = role.get("extends")
    if extends is None:
        return ()
    if not isinstance(extends.value, list):
        raise CompileError([_not_written("`extends`", "a list", extends)])
    unknown = [entry for entry in extends.value if entry.value not in catalog.presets]
    if unknown:
        raise CompileError(unknown_preset(catalog, entry.value, entry) for entry in unknown)
    chain = linearise(catalog, tuple(entry.value for entry in extends.value), None)
    problems = [
        _more_than_a_role(catalog, preset, key, extends.value)
        for preset in chain
        for key in preset.record.spec.value
        if key not in _IS_SHARED
    ]
    if problems:
        raise CompileError(problems)
    return chain


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


def _without_roles(layer: Node) -> Node:
    entries = dict(layer.value)
    entries.pop("roles", None)
    return Node(entries, layer.place, layer.key)


def _shared(layer: Node) -> dict[str, Node]:
    entries = layer.value
    return {key: entries[key] for key in SHARED if key in entries} if entries else {}


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


def with_workers(tree: Node, key: str) -> Node:
    """The tree with the role `key` as its workers are. A simulator stands for any pod of an engine,
    which it knows nothing of."""
    role, worker = tree.nearest("roles", key), tree.get("roles", key, "worker")
    kind = tree.nearest("roles", key, "engine", "type").value
    if worker is None or kind == SIMULATOR:
        return tree
    said: dict[str, Node] = {k: worker.value[k] for k in WORKER_POD if k in worker.value}
    engine = {k: worker.value[k] for k in WORKER_ENGINE if k in worker.value}
    if engine:
        said["engine"] = Node(engine, worker.place, worker.key)
    laid = merge(role, Node(said, role.place, role.key), Role.shape())
    roles = tree.nearest("roles")
    entries = {**roles.value, key: laid}
    return Node({**tree.value, "roles": Node(entries, roles.place, roles.key)}, tree.place)
