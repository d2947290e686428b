"""Values that know the reference they came from.

In: a value a template printed, and the text with references in its place. Out: the same value,
which compares, sorts and prints as ever, and gives its `Live` text on demand.
"""

from __future__ import annotations

from typing import Any

from modelmill.importers.model_text import Live


class Text(str):
    """A string; `reference` is its text with `${…}` in it."""

    reference: Live


class Number(int):
    """A whole number; `reference` is the `${…}` that gives it."""

    reference: Live


def text(value: str, reference: str) -> Text:
    carried = Text(value)
    carried.reference = Live(reference)
    return carried


def number(value: int, reference: str) -> Number:
    carried = Number(value)
    carried.reference = Live(reference)
    return carried


def live(value: Any) -> Any:
    """The tree with references in the place of the values that carry one."""
    if isinstance(value, Text | Number):
        return value.reference
    if isinstance(value, dict):
        return {key: live(each) for key, each in value.items()}
    return [live(each) for each in value] if isinstance(value, list) else value


def bare(value: Any) -> Any:
    """The tree as plain values, no part of it shared."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, Number):
        return int(value)
    if isinstance(value, dict):
        return {str(key): bare(each) for key, each in value.items()}
    return [bare(each) for each in value] if isinstance(value, list) else value
