"""What an API server refuses of an object by its schema: fields it would drop without a word,
types, required fields, allowed values, entries that stand twice.

In: an object and the schema of its kind. Out: faults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from modelmill.diagnostics import cut, did_you_mean
from modelmill.validation.faults import Fault, Path
from modelmill.validation.schema import Schema
from modelmill.validation.values import fault_of_format, is_integer
from modelmill.validation.wording import (
    WORDS,
    as_type,
    called,
    forbidden,
    instead,
    none_of,
    not_among,
    said,
)

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
}
COMPOSED = ("anyOf", "oneOf", "allOf", "not")


def faults(schema: Schema, body: Mapping[str, Any]) -> Iterator[Fault]:
    """All that the schema refuses of an object. Its status is the cluster's to write."""
    own = {key: value for key, value in body.items() if key != "status"}
    yield from _Walk(schema).value(schema.of(schema.root), own, ())


class _Walk:
    """One way down a schema and a value side by side."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def value(self, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Fault]:
        if value is None:
            if not self._takes_null(schema):
                message = f"an entry of `{called(path)}` is null"
                yield Fault("V103", path, message, instead(schema))
            return
        if schema.get("x-kubernetes-int-or-string"):
            yield from self._either(schema, value, path)
            return
        kind = schema.get("type")
        if kind is not None and not _is_of(kind, value):
            message = f"`{called(path)}` is {said(value)}, not {WORDS[kind]}"
            yield Fault("V103", path, message, as_type(kind, value))
            return
        yield from self._composed(schema, value, path)
        if "enum" in schema and value not in schema["enum"]:
            yield not_among(path, value, schema["enum"])
        elif isinstance(value, dict):
            yield from self._mapping(schema, value, path)
        elif isinstance(value, list):
            yield from self._list(schema, value, path)
        elif isinstance(value, str):
            yield from _text(schema, value, path)
        elif not isinstance(value, bool):
            yield from _number(schema, value, path)

    def _takes_null(self, schema: Mapping[str, Any]) -> bool:
        is_free = "type" not in schema and not schema.get("x-kubernetes-int-or-string")
        takes = schema.get("nullable") or "default" in schema
        return bool(self.schema.is_builtin or is_free or takes)

    def _either(self, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Fault]:
        """A number or text: a port, or a quantity."""
        is_amount = schema.get("format") == "quantity"
        if isinstance(value, str):
            yield from _text(schema, value, path)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield Fault("V103", path, f"`{called(path)}` is {said(value)}, not a number or text")
        elif not is_amount and not is_integer(value):
            yield Fault("V103", path, f"`{called(path)}` is {value}, not a whole number or text")

    def _composed(self, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Fault]:
        """What several schemas say of one value together."""
        if not any(key in schema for key in COMPOSED):
            return
        for each in schema.get("allOf", ()):
            yield from self.only_values(each, value, path)
        for key in ("anyOf", "oneOf"):
            ways = schema.get(key)
            if ways is None:
                continue
            fit = sum(not any(self.only_values(each, value, path)) for each in ways)
            if fit == 0 or (fit > 1 and key == "oneOf"):
                yield Fault("V104", path, none_of(ways, path, fit), at_key=True)
        if "not" in schema and not any(self.only_values(schema["not"], value, path)):
            yield Fault("V104", path, forbidden(schema["not"], path), at_key=True)

    def only_values(self, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Fault]:
        """As `value`; what such a schema does not name, the one around it does."""
        opened = {"x-kubernetes-preserve-unknown-fields": True, **schema}
        yield from self.value(opened, value, path)

    def _mapping(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], path: Path
    ) -> Iterator[Fault]:
        fields = self.schema.fields(schema)
        for key in schema.get("required", ()):
            field = fields.get(key, {})
            takes_null = key in value and field.get("nullable")
            if value.get(key) is None and not takes_null and "default" not in field:
                message = f"`{key}` is missing" + (f" in `{called(path)}`" if path else "")
                yield Fault("V105", path, message, instead(field), at_key=True)
        is_object = schema.get("type") == "object" or "properties" in schema
        for key, each in value.items():
            below = self.schema.below(schema, key)
            if below is not None and each is None:
                continue  # A server drops it, as Go's decoder does.
            if below is not None:
                yield from self.value(below, each, (*path, key))
            elif is_object:
                yield _unknown(fields, key, path)
        yield from _counted(value, schema, ("minProperties", "maxProperties"), "keys", path)

    def _list(self, schema: Mapping[str, Any], value: list[Any], path: Path) -> Iterator[Fault]:
        items = self.schema.of(schema.get("items", {}))
        for place, each in enumerate(value):
            yield from self.value(items, each, (*path, place))
        yield from _counted(value, schema, ("minItems", "maxItems"), "entries", path)
        kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
        if kind == "map" and keys:
            yield from self._twice(items, keys, value, path)
        elif kind == "set" or schema.get("uniqueItems"):
            seen: set[str] = set()
            for place, each in enumerate(value):
                text = json.dumps(each, sort_keys=True)
                if text in seen:
                    message = f"{cut(text)} stands twice in `{called(path)}`"
                    yield Fault("V106", (*path, place), message, "keep one of them")
                seen.add(text)

    def _twice(
        self, items: Mapping[str, Any], keys: list[str], value: list[Any], path: Path
    ) -> Iterator[Fault]:
        fields = self.schema.fields(items)
        seen: set[tuple[str, ...]] = set()
        for place, each in enumerate(value):
            if not isinstance(each, dict):
                continue
            told = tuple(
                str(each.get(k, fields.get(k, {}).get("default", DEFAULTS.get(k, ""))))
                for k in keys
            )
            if told in seen:
                named = ", ".join(f"{k} {v}" for k, v in zip(keys, told, strict=True) if v)
                message = f"two entries of `{called(path)}` have the {named}"
                yield Fault("V106", (*path, place), message, "keep one of them, or rename one")
            seen.add(told)


DEFAULTS = {"protocol": "TCP"}
"""What a server fills in for built-in kinds (k8s.io/kubernetes pkg/apis/core/v1/defaults.go)."""


def _unknown(fields: Mapping[str, Any], key: str, path: Path) -> Fault:
    where = f"of `{called(path)}`" if path else "at the top of an object"
    hint = did_you_mean(key, fields) or "take it out: a server drops what it does not know"
    return Fault("V101", (*path, key), f"`{key}` is not a field {where}", hint, at_key=True)


def _text(schema: Mapping[str, Any], value: str, path: Path) -> Iterator[Fault]:
    yield from _counted(value, schema, ("minLength", "maxLength"), "characters", path)
    pattern = schema.get("pattern")
    if pattern is not None and len(value) <= schema.get("maxLength", LONGEST_MATCHED):
        compiled = _pattern(pattern)
        if compiled is not None and not compiled.search(value):
            message = f"`{called(path)}` is `{cut(value)}`, which does not match {pattern}"
            yield Fault("V104", path, message)
    said = fault_of_format(schema.get("format", ""), value)
    if said:
        yield Fault("V104", path, f"`{called(path)}` is `{cut(value)}`, {said}")


LONGEST_MATCHED = 4096


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """A pattern of Go's regular expressions; None for one that Python reads otherwise."""
    try:
        return re.compile(text)
    except re.error:
        return None


def _number(schema: Mapping[str, Any], value: float, path: Path) -> Iterator[Fault]:
    least, most = schema.get("minimum"), schema.get("maximum")
    bits = {"int32": 31, "int64": 63}.get(schema.get("format", ""))
    if bits is not None and not -(1 << bits) <= value < 1 << bits:
        yield Fault("V104", path, f"`{called(path)}` is {value}: more than {bits + 1} bits hold")
    is_below = least is not None and (
        value <= least if schema.get("exclusiveMinimum") else value < least
    )
    is_above = most is not None and (
        value >= most if schema.get("exclusiveMaximum") else value > most
    )
    if is_below or is_above:
        bound = f"at least {least}" if is_below else f"at most {most}"
        yield Fault("V104", path, f"`{called(path)}` is {value}; it must be {bound}")


def _counted(
    value: Any, schema: Mapping[str, Any], bounds: tuple[str, str], unit: str, path: Path
) -> Iterator[Fault]:
    least, most = schema.get(bounds[0]), schema.get(bounds[1])
    if least is not None and len(value) < least:
        bound = f"at least {least}"
    elif most is not None and len(value) > most:
        bound = f"at most {most}"
    else:
        return
    message = f"`{called(path)}` has {len(value)} {unit}; it must have {bound}"
    yield Fault("V104", path, message)


def _is_of(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return is_integer(value)
    return isinstance(value, TYPES.get(kind, (object,)))
