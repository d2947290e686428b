"""Typed records: the one truth for decoding, merging, JSON Schema and the field reference.

A record is a class whose annotated fields are the keys of a YAML mapping. From the annotations come
a *shape* per field, which knows how to decode a node (collecting every problem, with its span), and
which `merge` and `schema` read for the same field's rules. Nothing here knows a field of modelmill.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, dataclass_transform

from modelmill.diagnostics import Diagnostic, cut, did_you_mean, error
from modelmill.tree import Node, plain

REQUIRED: Any = object()
EMPTY: Mapping[str, Any] = types.MappingProxyType({})
Json: TypeAlias = Any


class Field:
    """One key of a record: its documentation, default and bounds."""

    def __init__(self, doc: str, default: Any, minimum: int | None, maximum: int | None) -> None:
        self.doc = doc
        self.default = default
        self.minimum = minimum
        self.maximum = maximum
        self.name = ""
        self.key = ""
        self.shape: Shape = AnyShape()

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


def field(
    doc: str, *, default: Any = REQUIRED, minimum: int | None = None, maximum: int | None = None
) -> Any:
    """Declare a record's field. `doc` is what schemas and the reference page say about it."""
    return Field(doc, default, minimum, maximum)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Record:
    """Base of the typed input. Instances are frozen; equality is by value.

    one_of     groups of keys of which a mapping holds at most one
    tag        a key whose change replaces the whole mapping in a merge (a tagged union)
    misnomers  usual wrong names of fields, for hints
    noun       what messages call the record; by default its class name in lower case
    """

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    tag: ClassVar[str] = ""
    misnomers: ClassVar[Mapping[str, str]] = EMPTY
    noun: ClassVar[str] = ""
    _declared: ClassVar[dict[str, Field]]
    _shape: ClassVar[RecordShape | None] = None

    def __init_subclass__(cls) -> None:
        declared = dict(getattr(cls, "_declared", {}))
        for name in cls.__annotations__:
            found = cls.__dict__.get(name)
            if isinstance(found, Field):
                found.name, found.key = name, camel(name)
                declared[found.key] = found
                if found.default is not REQUIRED:
                    setattr(cls, name, found.default)
                else:
                    delattr(cls, name)
        cls._declared = declared
        cls._shape = None
        if not cls.noun or "noun" not in cls.__dict__:
            cls.noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - {f.name for f in self._declared.values()}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {sorted(unknown)}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items())
        return f"{type(self).__name__}({inside})"

    @classmethod
    def shape(cls) -> RecordShape:
        if cls._shape is None:
            cls._shape = RecordShape(cls)
        return cls._shape


class Format:
    """A string's form: a pattern without look-around, and what messages call it."""

    def __init__(self, name: str, pattern: str, says: str, example: str) -> None:
        self.name = name
        self.pattern = pattern
        self.says = says
        self.example = example
        self.matches = re.compile(pattern).fullmatch


def _format(name: str, pattern: str, says: str, example: str) -> Format:
    return Format(name, pattern, says, example)


Quantity: TypeAlias = Annotated[
    str,
    _format(
        "quantity",
        r"[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?",
        "a Kubernetes quantity",
        "16Gi",
    ),
]
DnsLabel: TypeAlias = Annotated[
    str,
    _format(
        "dns-label",
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "a DNS label (lower case letters, digits and `-`, at most 63)",
        "llama-3-3-70b",
    ),
]
DnsName: TypeAlias = Annotated[
    str,
    _format(
        "dns-name",
        r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?",
        "a DNS name (lower case letters, digits, `-` and `.`)",
        "hf-token",
    ),
]
Duration: TypeAlias = Annotated[
    str,
    _format("duration", r"([0-9]{1,5}(h|m|s|ms)){1,4}", "a duration", "300s"),
]
Version: TypeAlias = Annotated[
    str,
    _format(
        "version",
        r"v?[0-9]{1,6}(\.[0-9]{1,6}){0,4}([-+.][A-Za-z0-9.+-]{1,40})?",
        "a release",
        "v0.26.0",
    ),
]
QualifiedName: TypeAlias = Annotated[
    str,
    _format(
        "qualified-name",
        r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a qualified name (letters, digits, `-`, `_`, `.`, after an optional DNS prefix and `/`)",
        "nvidia.com/gpu",
    ),
]
EnvName: TypeAlias = Annotated[
    str,
    _format(
        "env-name",
        r"[-._A-Za-z][-._A-Za-z0-9]{0,255}",
        "the name of an environment variable (letters, digits, `_`, `-`, `.`; no digit first)",
        "VLLM_LOGGING_LEVEL",
    ),
]
FlagName: TypeAlias = Annotated[
    str,
    _format(
        "flag-name",
        r"-{0,2}[A-Za-z0-9][-_.A-Za-z0-9]{0,127}",
        "the name of a flag (letters, digits, `-`, `_`, `.`)",
        "max-model-len",
    ),
]
LabelValue: TypeAlias = Annotated[
    str,
    _format(
        "label-value",
        r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "a label value (at most 63 letters, digits, `-`, `_`, `.`)",
        "search",
    ),
]


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


class Shape:
    """How one value is decoded. `says` completes "expected …"."""

    says = "a value"

    def decode(self, node: Node, problems: Problems) -> Any:
        raise NotImplementedError

    def child(self, key: str) -> Shape | None:
        """The shape of what stands at `key` below a mapping of this shape."""
        return None

    def refuse(self, node: Node, problems: Problems) -> None:
        message = f"{problems.at} must be {self.says}, not {_kind(node)}"
        problems.add("S402", message, node, _resolved(node))


def is_reference(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


class BooleanShape(Shape):
    says = "true or false"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, bool):
            return node.value
        return (
            None if problems.partial and is_reference(node.value) else self.refuse(node, problems)
        )


class IntegerShape(Shape):
    def __init__(self, minimum: int | None, maximum: int | None) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.says = "a whole number"

    def decode(self, node: Node, problems: Problems) -> Any:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int):
            if not (problems.partial and is_reference(value)):
                self.refuse(node, problems)
            return None
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
        if self.format is not None and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
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
        if not (problems.partial and is_reference(node.value)):
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
        return plain(node)

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
                message = f"{problems.at} holds {_names(present)}, which exclude each other"
                problems.add("S406", message, node, "keep one of them")
            return plain(node)
        return (
            None if problems.partial and is_reference(node.value) else self.refuse(node, problems)
        )

    def child(self, key: str) -> Shape | None:
        return AnyShape()


class ScalarShape(Shape):
    """A string, number or boolean, kept in its type."""

    says = "a string, a number or a boolean"

    def decode(self, node: Node, problems: Problems) -> Any:
        if isinstance(node.value, dict | list):
            self.refuse(node, problems)
        return node.value


class PartialShape(Shape):
    """A layer: checked as far as one layer can be (nothing required, references allowed), and kept
    as a node, because only the merged whole is decoded."""

    says = "a mapping"

    def __init__(self, record: Callable[[], type[Record]]) -> None:
        self.record = record

    def decode(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node.value, dict):
            self.refuse(node, problems)
            return node
        inner = Problems(partial=True)
        self.record().shape().decode(node, inner)
        problems.found.extend(inner.found)
        return node

    def child(self, key: str) -> Shape | None:
        return self.record().shape().child(key)


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
            name = f"an entry of {problems.at}"
            return tuple(self._item(child, problems, name) for child in node.value)
        if not (problems.partial and is_reference(node.value)):
            hint = f"write [{node.value}]" if isinstance(node.value, str | int) else ""
            problems.add("S402", f"{problems.at} must be a list, not {_kind(node)}", node, hint)
        return ()

    def _item(self, node: Node, problems: Problems, name: str) -> Any:
        problems.at = name
        return self.item.decode(node, problems)


class MapShape(Shape):
    """A mapping from a natural name to values of one shape."""

    def __init__(self, value: Shape, key: Format | None) -> None:
        self.value = value
        self.key = key
        self.says = "a mapping"

    def decode(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node.value, dict):
            if not (problems.partial and is_reference(node.value)):
                self.refuse(node, problems)
            return EMPTY
        decoded = {}
        for key, child in node.value.items():
            if child.value is None:
                continue
            if self.key is not None and not self.key.matches(key):
                problems.found.append(
                    error("S405", f"{_quoted(key)} must be {self.key.says}", child.key_span)
                )
            problems.at = f"`{key}`"
            decoded[key] = self.value.decode(child, problems)
        return types.MappingProxyType(decoded)

    def child(self, key: str) -> Shape | None:
        return self.value


class RecordShape(Shape):
    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.fields = record._declared
        self.one_of = record.one_of
        self.tag = record.tag
        self.says = "a mapping"
        hints = typing.get_type_hints(record, include_extras=True)
        for entry in self.fields.values():
            entry.shape = shape_of(hints[entry.name], entry)
        self.required = [f for f in self.fields.values() if f.required]

    def child(self, key: str) -> Shape | None:
        entry = self.fields.get(key)
        return entry.shape if entry else None

    def decode(self, node: Node, problems: Problems) -> Any:
        if node.memo is not None and self in node.memo and not problems.partial:
            return node.memo[self]
        entries = node.value
        if not isinstance(entries, dict):
            if not (problems.partial and is_reference(entries)):
                self.refuse(node, problems)
            return None
        before = len(problems.found)
        values: dict[str, Any] = {}
        for key, child in entries.items():
            entry = self.fields.get(key)
            if entry is None:
                self._unknown(key, child, problems)
            elif child.value is not None:
                problems.at = f"`{key}`"
                values[entry.name] = entry.shape.decode(child, problems)
        self._check_groups(node, problems)
        if not problems.partial:
            self._check_required(node, values, problems)
        record = object.__new__(self.record)
        record.__dict__.update(values)
        if len(problems.found) == before and not problems.partial:
            node.memo = {**(node.memo or {}), self: record}
        return record

    def _unknown(self, key: str, child: Node, problems: Problems) -> None:
        hint = (
            self._belongs(key)
            or did_you_mean(key, self.fields, self.record.misnomers)
            or (len(self.fields) <= 12 and "its fields are " + ", ".join(self.fields))
            or ""
        )
        problems.found.append(
            error("S401", f"`{key}` is not a field of {self.record.noun}", child.key_span, hint)
        )

    def _belongs(self, key: str) -> str:
        """A hint where the key is a field of just one thing a level below."""
        places = {}
        for parent, entry in self.fields.items():
            is_map = isinstance(entry.shape, MapShape)
            inner = entry.shape.value if isinstance(entry.shape, MapShape) else entry.shape
            if isinstance(inner, RecordShape) and key in inner.fields:
                places[parent] = f"an entry of `{parent}`" if is_map else f"`{parent}`"
        meant = self.record.misnomers.get(key)
        if len(places) != 1 and meant not in places:
            return ""
        return f"write it under {places.get(meant or '') or next(iter(places.values()))}"

    def _check_groups(self, node: Node, problems: Problems) -> None:
        for group in self.one_of:
            present = [k for k in group if k in node.value and node.value[k].value is not None]
            if len(present) > 1:
                problems.found.append(
                    error(
                        "S406",
                        f"{_names(present)} exclude each other in {self.record.noun}",
                        node.value[present[1]].key_span,
                        "keep one of them",
                    )
                )

    def _check_required(self, node: Node, values: dict[str, Any], problems: Problems) -> None:
        for entry in self.required:
            if entry.name not in values:
                problems.add("S403", f"{self.record.noun} needs `{entry.key}`", node, _first(entry))


def shape_of(annotation: Any, entry: Field) -> Shape:
    """The shape an annotation stands for; `entry` carries the bounds of a number."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        members = [a for a in arguments if a is not type(None)]
        if len(members) == 1:
            return shape_of(members[0], entry)
        scalar, record = members
        return EitherShape(shape_of(scalar, entry), shape_of(record, entry))
    if origin is Annotated:
        mark = arguments[1]
        return TextShape(mark) if isinstance(mark, Format) else typing.cast(Shape, mark)
    if origin is Literal:
        return ChoiceShape(arguments)
    if origin is tuple:
        return ListShape(shape_of(arguments[0], entry))
    if origin is not None and issubclass(origin, Mapping):
        mark = arguments[0]
        key = typing.get_args(mark)[1] if typing.get_origin(mark) is Annotated else None
        return MapShape(shape_of(arguments[1], entry), key)
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation.shape()
    simple: dict[Any, Callable[[], Shape]] = {
        bool: BooleanShape,
        int: lambda: IntegerShape(entry.minimum, entry.maximum),
        str: TextShape,
        Any: AnyShape,
    }
    return simple[annotation]()


def camel(name: str) -> str:
    """`mount_path` as YAML spells it: `mountPath`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


FreeMapping: TypeAlias = Annotated[Any, ObjectShape()]
Exclusive: TypeAlias = Annotated[Any, ObjectShape(exclusive=True)]
Scalar: TypeAlias = Annotated[Any, ScalarShape()]


def _first(entry: Field) -> str:
    return entry.doc.split(". ")[0].rstrip(".")


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
    value = node.value
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a mapping" if isinstance(value, dict) else "a list"


def _names(keys: list[str]) -> str:
    return " and ".join(f"`{key}`" for key in keys)
