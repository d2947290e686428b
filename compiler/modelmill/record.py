"""Typed records: the one truth for decoding, merging, JSON Schema and the field reference.

A record is a class whose annotated fields are the keys of a YAML mapping. From the annotations come
a *shape* per field, which knows how to decode a node (collecting every problem, with its span), and
which `merge` and `schema` read for the same field's rules. Nothing here knows a field of modelmill.
"""

from __future__ import annotations

import copyreg
import sys
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Literal, dataclass_transform

from modelmill.diagnostics import Fix, did_you_mean, error
from modelmill.formats import Format
from modelmill.shapes import (
    AnyShape,
    BooleanShape,
    ChoiceShape,
    EitherShape,
    IntegerShape,
    ListShape,
    MapShape,
    Problems,
    Shape,
    TextShape,
    names_of,
)
from modelmill.tree import Node, plain, remember

REQUIRED: Any = object()
_type_of = cache(lambda annotation, module: eval(annotation, vars(sys.modules[module])))
_CAPITALS = {"cd": "CD", "ipc": "IPC", "pid": "PID", "ttl": "TTL"}
EMPTY: types.MappingProxyType[str, Any] = types.MappingProxyType({})


def _proxy(content: dict[str, Any]) -> types.MappingProxyType[str, Any]:
    return types.MappingProxyType(content) if content else EMPTY


# What records hold goes to other processes and into the cache, and Python has no way to pickle it.
copyreg.pickle(types.MappingProxyType, lambda proxy: (_proxy, (dict(proxy),)))


class Field:
    """One key of a record: its documentation, default and bounds."""

    def __init__(self, doc: str, default: Any, minimum: int | None, maximum: int | None) -> None:
        self.doc = doc
        self.default = default
        self.minimum = minimum
        self.maximum = maximum
        self.name = self.key = self.said = ""
        self.annotation = self.module = ""

    @cached_property
    def shape(self) -> Shape:
        """Made when a document first has the field: of hundreds, one command meets a few."""
        return shape_of(_type_of(self.annotation, self.module), self)

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
        for name, annotation in cls.__annotations__.items():
            found = cls.__dict__.get(name)
            if isinstance(found, Field):
                found.name, found.key = name, camel(name)
                found.said = f"`{found.key}`"
                found.annotation, found.module = annotation, cls.__module__
                declared[found.key] = found
                if found.default is not REQUIRED:
                    setattr(cls, name, found.default)
                else:
                    delattr(cls, name)
        cls._declared = declared
        cls._shape = None
        if not cls.noun or "noun" not in cls.__dict__:
            pairs = zip(" " + cls.__name__, cls.__name__, strict=False)
            words = "".join(f" {c}" if c.isupper() and b.islower() else c for b, c in pairs)
            cls.noun = words.lower()

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


class RecordShape(Shape):
    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.fields = record._declared
        self.one_of = record.one_of
        self.rivals = {
            key: frozenset(each for group in record.one_of if key in group for each in group)
            - {key}
            for key in {key for group in record.one_of for key in group}
        }
        self.tag = record.tag
        self.says = "a mapping"
        self.required = [f for f in self.fields.values() if f.required]

    def child(self, key: str) -> Shape | None:
        entry = self.fields.get(key)
        return entry.shape if entry else None

    def decode(self, node: Node, problems: Problems) -> Any:
        partial, fields, entries = problems.partial, self.fields, node.value
        if node.memo is not None and not partial:
            known = node.memo.get(self)
            if known is not None:
                return known
        if not isinstance(entries, dict):
            return self.refuse(node, problems)
        before = len(problems.found)
        record = object.__new__(self.record)
        values = record.__dict__
        for key, child in entries.items():
            entry = fields.get(key)
            if entry is None:
                self._unknown(key, child, problems)
            elif child.value is not None:
                problems.at = entry.said
                values[entry.name] = entry.shape.decode(child, problems)
        if self.one_of:
            self._check_groups(node, problems)
        if not partial:
            if self.required:
                self.check_required(node, problems)
            if len(problems.found) == before:
                remember(node, self, record)
        return record

    def _unknown(self, key: str, child: Node, problems: Problems) -> None:
        hint = (
            self._belongs(key)
            or did_you_mean(key, self.fields, self.record.misnomers)
            or (len(self.fields) <= 12 and "its fields are " + ", ".join(self.fields))
            or ""
        )
        message = f"`{key}` is not a field of {self.record.noun}"
        meant = self.record.misnomers.get(key)
        fixes = (Fix(key, meant),) if meant in self.fields else ()
        found = error("S401", message, child.key_span, hint)
        problems.found.append(found._replace(fixes=fixes))

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
                        f"{names_of(present)} exclude each other in {self.record.noun}",
                        node.value[present[1]].key_span,
                        "keep one of them",
                    )
                )

    def check_required(self, node: Node, problems: Problems) -> None:
        """Say which required fields a mapping has not set."""
        for entry in self.required:
            found = node.value.get(entry.key)
            if found is None or found.value is None:
                problems.add("S403", f"{self.record.noun} needs `{entry.key}`", node, _first(entry))


class KeptShape(RecordShape):
    """A mapping that is held against a record and kept as it is written: what is handed on."""

    def decode(self, node: Node, problems: Problems) -> Any:
        super().decode(node, problems)
        return plain(node)


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
    """`mount_path` as YAML spells it: `mountPath`. `host_ipc` is Kubernetes' `hostIPC`."""
    head, *rest = name.split("_")
    return head + "".join(_CAPITALS.get(word, word.capitalize()) for word in rest)


def _first(entry: Field) -> str:
    return entry.doc.split(". ")[0].rstrip(".")
