"""C541: what a workload is known by is the model's own, the same in every environment."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.tree import Node
from modelmill.variant import Variant

IDENTITY = ("name", "selector")


def check(variant: Variant) -> Iterable[Diagnostic]:
    own = variant.model.node.nearest("spec", "roles")
    for key in variant.roles:
        for part in IDENTITY:
            node = variant.tree.get("roles", key, part)
            if node is None:
                continue
            said = own.get(key, part)
            for each, written in _entries(node, said):
                if written is None or written.place != each.place:
                    yield error(
                        "C541",
                        f"the {part} of `{key}` is set here, and is immutable on a running object",
                        each.key_span,
                        f"set `roles.{key}.{part}` in the `spec` of the model, and only there",
                    )
                    break


def _entries(node: Node, said: Node | None) -> list[tuple[Node, Node | None]]:
    """The value, or each of a mapping's, with what the model's own spec has there."""
    if not isinstance(node.value, dict):
        return [(node, said)]
    return [(each, said.get(key) if said else None) for key, each in node.value.items()]
