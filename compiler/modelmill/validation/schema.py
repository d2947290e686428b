"""The schema of one kind, and an object as a server completes it.

In: a schema in the dialect of structural schemas (kubernetes.io/docs/tasks/extend-kubernetes/
custom-resources/custom-resource-definitions), with `$ref` to named definitions for built-in kinds.
Out: the schema below a key, defaults filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.tuples import NamedTuple

METADATA = "meta.v1.ObjectMeta"
IDENTITY: Mapping[str, Any] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": METADATA},
}


class Schema(NamedTuple):
    """A kind's schema. `is_builtin`: null stands for nothing at all, as Go's decoder has it."""

    root: Mapping[str, Any]
    definitions: Mapping[str, Any]
    memo: dict[int, tuple[Any, bool]]
    """Which parts have rules; a cache of pure results, as is a Node's."""
    is_builtin: bool = False
    is_namespaced: bool | None = None

    def of(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """A schema, or the one it names."""
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"]]
        return schema

    def fields(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fields by name; an object inside another one has what every object has."""
        own: Mapping[str, Any] = schema.get("properties", {})
        return {**IDENTITY, **own} if schema.get("x-kubernetes-embedded-resource") else own

    def below(self, schema: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
        """The schema of what stands under a key; None where a server would drop it."""
        field = self.fields(schema).get(key)
        if field is None:
            others = schema.get("additionalProperties")
            if isinstance(others, Mapping):
                return self.of(others)
            is_open = others is True or schema.get("x-kubernetes-preserve-unknown-fields")
            return {"x-kubernetes-preserve-unknown-fields": True} if is_open else None
        return self.of(field)


def completed(schema: Schema, value: Any) -> Any:
    """An object of a custom kind as a server keeps it: what has a default is there."""
    return _completed(schema, schema.of(schema.root), value)


def _completed(schema: Schema, here: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        items = schema.of(here.get("items", {}))
        return [_completed(schema, items, each) for each in value]
    if not isinstance(value, dict):
        return value
    fields = here.get("properties", {})
    added = {k: each["default"] for k, each in fields.items() if "default" in each}
    kept = {k: v for k, v in value.items() if v is not None or fields.get(k, {}).get("nullable")}
    return {
        k: _completed(schema, schema.below(here, k) or {}, v) for k, v in {**added, **kept}.items()
    }
