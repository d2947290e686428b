"""`${…}` references: a value that is taken from elsewhere in the merged spec.

In: a merged tree and the names beside it (metadata, environment). Out: the tree with each reference
replaced, sharing what holds none. A whole-value reference keeps the type it refers to; `$${` is a
literal `${`. There are no loops, no clock, no files and no environment variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelmill.diagnostics import CompileError, Diagnostic, Note, cut, did_you_mean, error
from modelmill.reference_text import FUNCTIONS, Reference, ReferenceFault, parse, pieces
from modelmill.syntax import MAX_DEPTH
from modelmill.tree import Node, plain, remember

MAX_CHAIN = 32
MAX_SIZE = 1 << 20
"""Characters of one value with its references written out."""
MAX_WORK = 8 << 20
"""Characters of all of them, a value counted as some, of one model in one environment."""
_PER_VALUE = 16
MOST_FAULTS = 100
"""After so many nobody reads on."""
MOST_SETTLED = 64
"""Results that are kept of one node."""

_TOO_LARGE = "what this refers to grows too large when it is written out"


def substitute(spec: Node, around: Mapping[str, Node]) -> Node:
    """The spec with its references replaced. `around` holds the roots beside the spec's own fields.

    Inside a role a path is looked up in that role first, then in the spec.
    """
    return _Substitution(spec, around).run()


class _Substitution:
    def __init__(self, spec: Node, around: Mapping[str, Node]) -> None:
        self.spec = spec
        self.around = around
        self.problems: list[Diagnostic] = []
        self.open: list[tuple[Node, Node | None]] = []
        self.sizes: dict[int, tuple[Any, int, int]] = {}
        self.done: dict[tuple[int, int], Node] = {}
        self.work = 0

    def run(self) -> Node:
        result = self._walk(self.spec, None)
        if self.problems:
            raise CompileError(self.problems)
        return result

    def _walk(self, node: Node, role: Node | None) -> Node:
        if is_literal(node):
            return node
        value = node.value
        if isinstance(value, str):
            return self._string(node, role)
        if node is self.spec:
            return self._walk_spec(node)
        self._spend(_PER_VALUE * len(value), node)
        walked: Any
        if isinstance(value, list):
            walked = [self._walk(child, role) for child in value]
            return _settled(node, tuple(map(id, walked)), walked)
        walked = {
            key: child if child.literal else self._walk(child, role) for key, child in value.items()
        }
        return _settled(node, tuple(map(id, walked.values())), walked)

    def _walk_spec(self, node: Node) -> Node:
        """The spec itself, whose roles are each a scope of their own."""
        entries = {}
        for key, child in node.value.items():
            if key == "roles" and isinstance(child.value, dict):
                roles = {name: self._walk(each, each) for name, each in child.value.items()}
                entries[key] = Node(roles, child.place, child.key, child.under)
            else:
                entries[key] = child if child.literal else self._walk(child, None)
        return Node(entries, node.place, node.key, node.under)

    def _string(self, node: Node, role: Node | None) -> Node:
        known = self.done.get((id(node), id(role)))
        if known is not None:
            return known
        if any(node is each and role is its for each, its in self.open):
            chain = " → ".join(cut(str(each.value)) for each, _ in self.open)
            message = f"the references form a circle: {chain} → {cut(node.value)}"
            raise ReferenceFault("R305", message)
        if len(self.open) >= MAX_CHAIN:
            raise ReferenceFault(
                "R305", f"the references lead through more than {MAX_CHAIN} others"
            )
        self.open.append((node, role))
        try:
            value = self._evaluate(node.value, role)
            size, depth = self._measure(value)
            self._spend(size, node)
            if size > MAX_SIZE or depth > MAX_DEPTH:
                raise ReferenceFault("R309", _TOO_LARGE)
        except ReferenceFault as fault:
            self.problems.append(
                error(fault.code, fault.message, node.span, fault.hint, _replaced(node))
            )
            if len(self.problems) >= MOST_FAULTS:
                raise CompileError(self.problems) from None
            value = ""
        finally:
            self.open.pop()
        if isinstance(value, str):
            content: tuple[object, ...] = (value,)
        else:
            content = type(value), id(value) if isinstance(value, dict | list) else repr(value)
        result = _settled(node, content, value, node.value)
        self.done[id(node), id(role)] = result
        return result

    def _spend(self, work: int, node: Node) -> None:
        """Ends the run where all references together stand for too much."""
        self.work += work
        if self.work > MAX_WORK:
            message = "what all references together refer to grows too large when it is written out"
            raise CompileError([*self.problems, error("R309", message, node.span)])

    def _measure(self, value: Any) -> tuple[int, int]:
        """Characters and levels of a value with all references in it written out. What is shared
        counts each time, so that a few lines cannot stand for gigabytes."""
        if not isinstance(value, dict | list):
            return len(value) if isinstance(value, str) else 1, 0
        known = self.sizes.get(id(value))
        if known is None:
            below = value.values() if isinstance(value, dict) else value
            sizes = [self._measure(child.value) for child in below]
            # The value is kept beside its size: else its id could come to mean another one.
            known = value, 1 + sum(s for s, _ in sizes), 1 + max((d for _, d in sizes), default=0)
            self.sizes[id(value)] = known
        return known[1], known[2]

    def _evaluate(self, text: str, role: Node | None) -> Any:
        found_in = pieces(text)
        first = found_in[0]
        if len(found_in) == 1 and first.group(1) is not None and first.span() == (0, len(text)):
            reference = parse(first)
            found = self._look_up(reference, role)
            return self._apply(reference, found) if reference.function else found.value
        written = []
        end = size = 0
        for piece in found_in:
            written.append(text[end : piece.start()])
            end = piece.end()
            written.append("${" if piece.group(1) is None else self._text(parse(piece), role))
            size += len(written[-1])
            if size > MAX_SIZE:
                raise ReferenceFault("R309", _TOO_LARGE)
        return "".join([*written, text[end:]])

    def _text(self, reference: Reference, role: Node | None) -> str:
        found = self._look_up(reference, role)
        value = self._apply(reference, found) if reference.function else found.value
        if isinstance(value, dict | list):
            raise ReferenceFault(
                "R307",
                f"`{reference.text}` is not a single value, so it cannot stand inside a string",
                f"write ${{json({reference.text})}} for its JSON",
            )
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def _apply(self, reference: Reference, node: Node) -> str:
        if reference.function == "json":
            return json.dumps(
                plain(node), sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
        function = FUNCTIONS.get(reference.function)
        if function is None:
            raise ReferenceFault(
                "R306",
                f"`{reference.function}` is not a function",
                did_you_mean(reference.function, [*FUNCTIONS, "json"])
                or "functions are " + ", ".join(sorted([*FUNCTIONS, "json"])),
            )
        if not isinstance(node.value, str):
            raise ReferenceFault(
                "R307", f"`{reference.function}` takes a string, which `{reference.text}` is not"
            )
        self._spend(len(node.value), node)
        return function(node.value)

    def _look_up(self, reference: Reference, role: Node | None) -> Node:
        head = reference.path[0]
        scope, role_below = self.spec, role
        if isinstance(head, str) and head in self.around:
            scope = self.around[head]
            path = reference.path[1:]
        else:
            path = reference.path
            if role is not None and role.child(head) is not None:
                scope = role
            else:
                role_below = self._role_on(path)
        node = scope
        for depth, segment in enumerate(path):
            below = node.child(segment)
            if below is None:
                raise self._unknown(reference, node, path, depth)
            node = below
        return self._walk(node, role_below)

    def _role_on(self, path: tuple[str | int, ...]) -> Node | None:
        """The role a path leads through, in which references found there are looked up."""
        return self.spec.get(*path[:2]) if len(path) > 1 and path[0] == "roles" else None

    def _unknown(
        self, reference: Reference, node: Node, path: tuple[str | int, ...], depth: int
    ) -> ReferenceFault:
        segment = path[depth]
        if depth == 0 and segment == "environment":
            return ReferenceFault(
                "R304",
                f"`{reference.text}` is only known in an environment",
                "use it in an overlay or under the model's `environments`",
            )
        known = list(node.value) if isinstance(node.value, dict) else []
        if depth == 0:
            known += self.around
        hint = did_you_mean(str(segment), known)
        if not hint and 0 < len(known) <= 12:
            parent = ".".join(str(each) for each in path[:depth])
            hint = (f"`{parent}` has " if parent else "there are ") + ", ".join(sorted(known))
        return ReferenceFault(
            "R304", f"`{reference.text}` refers to `{segment}`, which is not set", hint
        )


def _settled(
    source: Node, content: tuple[object, ...], value: Any, text: str | None = None
) -> Node:
    """The source with `value` for what it says; `content` is the same where that is the same. It is
    one node for all environments in which it is: they then share all that is made of it."""
    known: dict[object, Node] | None = source.memo.get(_settled) if source.memo else None
    if known is None:
        known = {}
        remember(source, _settled, known)
    found = known.get(content)
    if found is None:
        if len(known) >= MOST_SETTLED:  # of a preset's, which all models have
            known.clear()
        # It holds what the ids in `content` are of: none can come to mean another.
        found = known[content] = Node(value, source.place, source.key, source.under, text)
    return found


def is_literal(node: Node) -> bool:
    """Whether no string below holds a reference; remembered on the node, which layers share."""
    literal = node.literal
    if literal is None:
        value = node.value
        if isinstance(value, str):
            literal = "${" not in value
        elif isinstance(value, dict):
            literal = all(map(is_literal, value.values()))
        else:
            literal = not isinstance(value, list) or all(map(is_literal, value))
        node.literal = literal
    return literal


def _replaced(node: Node) -> list[Note]:
    return [Note("it replaces the value set here", each.span) for each in list(node.history())[1:2]]
