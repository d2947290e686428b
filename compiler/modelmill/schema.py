"""JSON Schemas of the input files, for editors and other readers of YAML.

In: the record types. Out: one self-contained draft 2020-12 schema per kind, the same text each
time. Never: a rule of its own. What a schema cannot say (names that must exist, what the merged
whole needs) is left to `modelmill lint`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, TypeAlias

from modelmill.formats import Format
from modelmill.record import REQUIRED, Field, KeptShape, PartialShape, Record, RecordShape
from modelmill.shapes import (
    AnyShape,
    BooleanShape,
    ChoiceShape,
    EitherShape,
    IntegerShape,
    ListShape,
    MapShape,
    ObjectShape,
    ScalarShape,
    Shape,
    TextShape,
)
from modelmill.spec.documents import DOCUMENTS
from modelmill.spec.lock import LockDocument
from modelmill.tuples import NamedTuple

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECORDS: Mapping[str, type[Record]] = {**DOCUMENTS, "Lock": LockDocument}
KINDS: Mapping[str, str] = {kind.lower(): kind for kind in RECORDS}
"""What a schema is called on the command line and on disk, and the kind it is for."""

REFERENCE = r"\$\{"
_MOST_DIGITS = 15  # below 2^53, where every reader still counts exactly

Schema: TypeAlias = dict[str, Any]


class _Context(NamedTuple):
    """In a layer nothing is required and a reference may stand for any value; `definitions`
    collects the records that layers share."""

    in_layer: bool
    definitions: dict[str, Schema]


def schema_of(name: str) -> Schema:
    """The schema of one kind, by its name in KINDS."""
    record = RECORDS[KINDS[name]]
    context = _Context(in_layer=False, definitions={})
    whole = _record(record.shape(), context)
    schema: Schema = {"$schema": DIALECT, "title": KINDS[name], **whole}
    if context.definitions:
        schema["$defs"] = dict(sorted(context.definitions.items()))
    return schema


def schema_text(name: str) -> str:
    """The schema as a file's text."""
    return json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"


def _write(shape: Shape, context: _Context) -> Schema:
    return _WRITERS[type(shape)](shape, context)


def _record(shape: RecordShape, context: _Context) -> Schema:
    """In a layer a pointer to a shared definition; around layers, where nothing repeats, in place.

    The pointer and not the definition says the type, because null is allowed only in some places.
    """
    if not context.in_layer:
        return {"type": "object", **_fields(shape, context)}
    name = shape.record.__name__
    if name not in context.definitions:
        context.definitions[name] = {"pattern": REFERENCE, **_fields(shape, context)}
    return {"$ref": f"#/$defs/{name}", "type": ["object", "string"]}


def _fields(shape: RecordShape, context: _Context) -> Schema:
    required = [] if context.in_layer else [entry.key for entry in shape.required]
    schema: Schema = {
        "description": _one_line(inspect.getdoc(shape.record) or ""),
        "properties": {
            key: _property(entry, context, is_required=key in required)
            for key, entry in shape.fields.items()
        },
    }
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    rivals = [_not_both(*pair) for group in shape.one_of for pair in combinations(group, 2)]
    if rivals:
        schema["allOf"] = rivals
    return schema


def _property(entry: Field, context: _Context, *, is_required: bool) -> Schema:
    schema = _write(entry.shape, context)
    if not is_required:
        schema = _or_null(schema)
    described = {
        "description": entry.doc,
        **{k: v for k, v in schema.items() if k != "description"},
    }
    if entry.default is not REQUIRED and isinstance(entry.default, bool | int | str):
        described["default"] = entry.default
    return described


def _not_both(one: str, other: str) -> Schema:
    """Null counts as absent, as it does when layers are merged."""
    present = {"not": {"type": "null"}}
    both = {"required": [one, other], "properties": {one: present, other: present}}
    return {"not": {"type": "object", **both}}


def _layer(shape: PartialShape, context: _Context) -> Schema:
    """A layer is a mapping: a reference has nothing to refer to where a whole layer is missing."""
    schema = _record(shape.record().shape(), context._replace(in_layer=True))
    return {**schema, "type": "object"}


def _boolean(_shape: BooleanShape, context: _Context) -> Schema:
    return _typed("boolean", context)


def _integer(shape: IntegerShape, context: _Context) -> Schema:
    bounds = {"minimum": shape.minimum, "maximum": shape.maximum}
    return {
        **_typed("integer", context),
        **{key: bound for key, bound in bounds.items() if bound is not None},
    }


def _text(shape: TextShape, context: _Context) -> Schema:
    form = shape.format
    if form is None:
        return {"type": "string"}
    pattern = f"^(?:{form.pattern})$"
    schema: Schema = {
        "type": "string",
        "pattern": f"{pattern}|{REFERENCE}" if context.in_layer else pattern,
        "examples": [form.example],
    }
    numbers = _numbers(form)
    if numbers is None:
        return schema
    return {**schema, "type": ["string", "number" if form.is_decimal else "integer"], **numbers}


def _numbers(form: Format) -> Schema | None:
    """The bounds of the whole numbers whose digits have the form; None where none has."""
    if not form.matches("0"):
        return None
    digits = max(n for n in range(1, _MOST_DIGITS + 1) if form.matches("9" * n))
    bounds: Schema = {} if form.matches("-1") else {"minimum": 0}
    return bounds if digits == _MOST_DIGITS else {**bounds, "maximum": 10**digits - 1}


def _choice(shape: ChoiceShape, context: _Context) -> Schema:
    choices: Schema = {"type": "string", "enum": list(shape.choices)}
    if not context.in_layer:
        return choices
    return {"anyOf": [choices, {"type": "string", "pattern": REFERENCE}]}


def _any(_shape: AnyShape, _context: _Context) -> Schema:
    return {}


def _object(shape: ObjectShape, context: _Context) -> Schema:
    schema = _typed("object", context)
    return {**schema, "maxProperties": 1} if shape.exclusive else schema


def _scalar(_shape: ScalarShape, _context: _Context) -> Schema:
    return {"type": ["string", "number", "boolean"]}


def _either(shape: EitherShape, context: _Context) -> Schema:
    """The form decides, so a string is always the scalar."""
    record = {**_write(shape.record, context), "type": "object"}
    return {"anyOf": [_write(shape.scalar, context), record]}


def _list(shape: ListShape, context: _Context) -> Schema:
    return {**_typed("array", context), "items": _write(shape.item, context)}


def _map(shape: MapShape, context: _Context) -> Schema:
    schema = _typed("object", context)
    if shape.key is not None:
        schema["propertyNames"] = {"pattern": f"^(?:{shape.key.pattern})$"}
    return {**schema, "additionalProperties": _or_null(_write(shape.value, context))}


_WRITERS: Mapping[type[Shape], Callable[[Any, _Context], Schema]] = {
    AnyShape: _any,
    BooleanShape: _boolean,
    ChoiceShape: _choice,
    EitherShape: _either,
    IntegerShape: _integer,
    KeptShape: _record,
    ListShape: _list,
    MapShape: _map,
    ObjectShape: _object,
    PartialShape: _layer,
    RecordShape: _record,
    ScalarShape: _scalar,
    TextShape: _text,
}


def _typed(name: str, context: _Context) -> Schema:
    """A type; in a layer a string too, if it holds a reference."""
    return {"type": [name, "string"], "pattern": REFERENCE} if context.in_layer else {"type": name}


def _or_null(schema: Schema) -> Schema:
    """The schema, or null, which unsets."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    types = schema.get("type")
    if types is None or "null" in types:
        return schema
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [*([types] if isinstance(types, str) else types), "null"]}


def _one_line(text: str) -> str:
    return " ".join(text.split())
