"""Shapes: how one value of a document is decoded, whatever field it stands in.

In: a positioned node. Out: the plain value, and in `Problems` every fault with its place. `merge`,
`schema` and `reference` read the same shapes. Never here: a record, which is made of these.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from modelmill.diagnostics import CompileError, Diagnostic, cut, did_you_mean, error
from modelmill.formats import Format
from modelmill.tree import Node, plain, remember

_KINDS: dict[type, str] = {type(None): "empty", bool: "a boolean", int: "a number"}
_KINDS |= {float: "a number", str: "a string", dict: "a mapping", list: "a list"}
MOST_FOUND = 1000
"""After so many problems of one document nobody reads on."""


class Problems:
    """What a decode found. In a partial one (a layer, not the merged whole) nothing is required and
    a string that holds a `${…}` reference stands for any type. `at` is what messages call the value
    that is decoded next."""

    def __init__(self, *, partial: bool) -> None:
        self.found: list[Diagnostic] = []
        self.partial = partial
        self.at = "the document"

    def add(self, code: str, message: str, node: Node, hint: str = "") -> None:
        self.found.append(error(code, message, node.span, hint))
        if len(self.found) >= MOST_FOUND:
            raise CompileError(self.found)

    def excuse(self, node: Node) -> bool:
        """Whether a value of a wrong type is a layer's reference, whose type shows later."""
        return self.partial and isinstance(node.value, str) and "${" in node.value


Make: TypeAlias = Callable[[Node, Problems], Any]


class Shape:
    """How one value is decoded. `says` completes "expected …"."""

    says = "a value"

    def decode(self, node: Node, problems: Problems) -> Any:
        raise NotImplementedError

    def child(self, key: str) -> Shape | None:
        """The shape of what stands at `key` below a mapping of this shape."""
        return None

    def remembered(self, node: Node, problems: Problems, make: Make) -> Any:
        """What `make` makes of a node; the same object each time, if nothing is wrong with it."""
        if problems.partial:
            return make(node, problems)
        known = node.memo.get(self) if node.memo is not None else None
        if known is None:
            before = len(problems.found)
            known = make(node, problems)
            if len(problems.found) == before:
                remember(node, self, known)
        return known

    def refuse(self, node: Node, problems: Problems) -> None:
        if not problems.excuse(node):
            message = f"{problems.at} must be {self.says}, not {_kind(node)}"
            problems.add("S402", message, node, _resolved(node))


class BooleanShape(Shape):
    says = "true or false"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, bool):
            return node.value
        return self.refuse(node, problems)


class IntegerShape(Shape):
    def __init__(self, minimum: int | None, maximum: int | None) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.says = "a whole number"

    def decode(self, node: Node, problems: Problems) -> Any:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int):
            return self.refuse(node, problems)
        if self.minimum is not None and value < self.minimum:
            problems.add(
                "S404", f"{problems.at} must be at least {self.minimum}, not {value}", node
            )
        elif self.maximum is not None and value > self.maximum:
            problems.add("S404", f"{problems.at} must be at most {self.maximum}, not {value}", node)
        return value


class TextShape(Shape):
    """A string. A number where a format (a quantity, a label) allows one is taken as its text."""

    def __init__(self, form: Format | None = None) -> None:
        self.format = form
        self.says = form.says if form else "a string"

    def decode(self, node: Node, problems: Problems) -> Any:
        value = node.value
        if type(value) is str and (self.format is None or self.format.matches(value)):
            return value
        if self.format is not None and not isinstance(value, bool):
            numbers = (int, float) if self.format.is_decimal else int
            value = str(value) if isinstance(value, numbers) else value
        if not isinstance(value, str):
            hint = f'quote it: "{value}"' if isinstance(value, bool | int | float) else ""
            problems.add(
                "S402", f"{problems.at} must be {self.says}, not {_kind(node)}", node, hint
            )
            return None
        if problems.partial and "${" in value:
            return value
        if self.format is not None and not self.format.matches(value):
            problems.add(
                "S405",
                f"{problems.at} must be {self.says}, not {_quoted(value)}",
                node,
                f"for example `{self.format.example}`",
            )
        return value


class ChoiceShape(Shape):
    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices
        self.says = "one of " + ", ".join(choices)

    def decode(self, node: Node, problems: Problems) -> Any:
        if node.value in self.choices and isinstance(node.value, str):
            return node.value
        if not problems.excuse(node):
            problems.add(
                "S404",
                f"{problems.at} must be {self.says}, not {written(node)}",
                node,
                did_you_mean(str(node.value), self.choices),
            )
        return None


class AnyShape(Shape):
    """Free JSON data, merged by key, handed on as it is."""

    says = "any value"

    def decode(self, node: Node, problems: Problems) -> Any:
        return self.remembered(node, problems, lambda each, _: plain(each))

    def child(self, key: str) -> Shape | None:
        return self


class ObjectShape(AnyShape):
    """A free mapping. `exclusive`: its keys are members of a one-of, as a volume's sources are."""

    def __init__(self, *, exclusive: bool = False) -> None:
        self.exclusive = exclusive
        self.says = "a mapping"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, dict):
            present = [k for k, v in node.value.items() if v.value is not None]
            if self.exclusive and len(present) > 1:
                message = f"{problems.at} holds {names_of(present)}, which exclude each other"
                problems.add("S406", message, node, "keep one of them")
            return super().decode(node, problems)
        return self.refuse(node, problems)

    def child(self, key: str) -> Shape | None:
        return AnyShape()


class ScalarShape(Shape):
    """A string, number or boolean, kept in its type."""

    says = "a string, a number or a boolean"

    def decode(self, node: Node, problems: Problems) -> Any:
        if node.value is None or isinstance(node.value, dict | list):
            self.refuse(node, problems)
        return node.value


class EitherShape(Shape):
    """A scalar or a record; the node's own form decides."""

    def __init__(self, scalar: Shape, record: Shape) -> None:
        self.scalar = scalar
        self.record = record
        self.says = f"{scalar.says} or {record.says}"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, dict):
            return self.record.decode(node, problems)
        if isinstance(node.value, list):
            return self.refuse(node, problems)
        return self.scalar.decode(node, problems)

    def child(self, key: str) -> Shape | None:
        return self.record.child(key)


class ListShape(Shape):
    def __init__(self, item: Shape) -> None:
        self.item = item
        self.says = "a list"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, list):
            return self.remembered(node, problems, self._items)
        if not problems.excuse(node):
            hint = f"write [{node.value}]" if isinstance(node.value, str | int) else ""
            problems.add("S402", f"{problems.at} must be a list, not {_kind(node)}", node, hint)
        return ()

    def _items(self, node: Node, problems: Problems) -> Any:
        name, items = f"an entry of {problems.at}", []
        for child in node.value:
            problems.at = name
            items.append(self.item.decode(child, problems))
        return tuple(items)


class MapShape(Shape):
    """A mapping from a natural name to values of one shape."""

    def __init__(self, value: Shape, key: Format | None) -> None:
        self.value = value
        self.key = key
        self.says = "a mapping"

    def decode(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node.value, dict):
            self.refuse(node, problems)
            return types.MappingProxyType({})
        return self.remembered(node, problems, self._entries)

    def _entries(self, node: Node, problems: Problems) -> Any:
        decoded = {}
        for key, child in node.value.items():
            if self.key is not None and not self.key.matches(key):
                problems.found.append(
                    error("S405", f"{_quoted(key)} must be {self.key.says}", child.key_span)
                )
            if child.value is None:
                continue
            problems.at = f"`{key}`"
            decoded[key] = self.value.decode(child, problems)
        return types.MappingProxyType(decoded)

    def child(self, key: str) -> Shape | None:
        return self.value


Json: TypeAlias = Any
FreeMapping: TypeAlias = Annotated[Any, ObjectShape()]
Exclusive: TypeAlias = Annotated[Any, ObjectShape(exclusive=True)]
Scalar: TypeAlias = Annotated[Any, ScalarShape()]


def _resolved(node: Node) -> str:
    """What a reference became, where that is the fault."""
    return f"`{node.source}` is {written(node)} here" if node.source is not None else ""


def written(node: Node) -> str:
    """A wrong value as messages quote it."""
    if isinstance(node.value, dict | list) or node.value is None:
        return _kind(node)
    return _quoted(str(node.value).lower() if isinstance(node.value, bool) else str(node.value))


def _quoted(text: str) -> str:
    """Text in backticks, where what is empty would not be seen."""
    return f"`{cut(text)}`" if text else '`""`'


def _kind(node: Node) -> str:
    return _KINDS[type(node.value)]


def names_of(keys: list[str]) -> str:
    return " and ".join(f"`{key}`" for key in keys)
