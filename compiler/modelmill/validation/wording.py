"""How faults by a schema are told: values and types in people's words.

In: values, paths, schemas. Out: text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.diagnostics import cut, did_you_mean
from modelmill.validation.faults import Fault, Path

WORDS = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
MOST_LISTED = 12


def not_among(path: Path, value: Any, allowed: list[Any]) -> Fault:
    known = [str(each) for each in allowed]
    listed = ", ".join(known[:MOST_LISTED]) + (", …" if len(known) > MOST_LISTED else "")
    hint = did_you_mean(str(value), known) or f"it is one of {listed}"
    return Fault("V104", path, f"`{called(path)}` must not be `{cut(str(value))}`", hint)


def none_of(ways: list[Mapping[str, Any]], path: Path, fit: int) -> str:
    required = [" and ".join(f"`{key}`" for key in each.get("required", ())) for each in ways]
    where = f"`{called(path)}`" if path else "the object"
    if all(required):
        return f"{where} needs {'only ' if fit else ''}one of {', '.join(required)}"
    return f"{where} fits {'more than one' if fit else 'none'} of the {len(ways)} forms it may have"


def forbidden(schema: Mapping[str, Any], path: Path) -> str:
    required = " and ".join(f"`{key}`" for key in schema.get("required", ()))
    where = f"`{called(path)}`" if path else "the object"
    return f"{where} must not have {required}" if required else f"{where} has a form it must not"


def called(path: Path) -> str:
    """What a message calls a value: its key, or the list it is an entry of."""
    named = [each for each in path if isinstance(each, str)]
    return named[-1] if named else "the object"


def said(value: Any) -> str:
    """A value as a message speaks of it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the text `{cut(value)}`" if isinstance(value, str) else f"the number {value}"


def instead(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    return f"it is {WORDS[kind]}" if kind in WORDS else ""


def as_type(kind: str, value: Any) -> str:
    """How to write what was probably meant."""
    if kind == "string" and isinstance(value, bool | int | float):
        return f'put it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    if kind in ("integer", "number", "boolean") and isinstance(value, str):
        is_meant = value.lower() in ("true", "false") if kind == "boolean" else _is_number(value)
        return "leave the quotes out" if is_meant else f"it is {WORDS[kind]}"
    if kind == "array" and not isinstance(value, list | dict):
        return "write it as an entry: `- …`"
    return ""


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()
