"""Helm's YAML functions, which go through https://pkg.go.dev/sigs.k8s.io/yaml.

In: values, or YAML 1.1 text. Out: the other. Text is laid out as Helm's, except that Go also breaks
a long string in double quotes and escapes what is beyond the first 65536 characters of Unicode.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from modelmill.importers.gotemplate import literals
from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.functions.encoding import from_json, json_text
from modelmill.importers.gotemplate.limits import MAX_NESTING, weigh
from modelmill.importers.gotemplate.printing import printed
from modelmill.importers.gotemplate.signatures import Function, function, spending
from modelmill.importers.gotemplate.values import NoStrings, Structure, encoded
from modelmill.regexes import regex

_SLOW = 32
"""Units for each character: the writer and the reader go through it in Python."""

_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_surrogates = regex("[\ud800-\udfff]")
_breaks = regex("[\x85\u2028\u2029\ufeff]")
_digits = regex(r"[0-9]{0,300}")
_float = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_sexagesimal = regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_date = regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")


def to_yaml(spend: Callable[[int], None], value: Any) -> str:
    """Block style, without a line end at the end."""
    spend(weigh(value) * _SLOW)
    events = itertools.chain(
        (yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False)),
        _events(value),
        (yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent()),
    )
    text = yaml.emit(events, Dumper=yaml.SafeDumper, width=80, allow_unicode=True)
    # The writer marks the start and the end of a document that is one scalar.
    return str(text).removeprefix("--- ").removesuffix("...\n").removesuffix("\n")


def _events(value: Any) -> Iterator[yaml.Event]:
    if isinstance(value, dict) and not isinstance(value, Structure):
        yield yaml.MappingStartEvent(None, None, True, flow_style=False)
        for key in sorted(value, key=functools.cmp_to_key(_compared)):
            yield from _events(key)
            yield from _events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list) and not isinstance(value, NoStrings):
        yield yaml.SequenceStartEvent(None, None, True, flow_style=False)
        for each in value:
            yield from _events(each)
        yield yaml.SequenceEndEvent()
    else:
        text, style = _scalar(value)
        yield yaml.ScalarEvent(None, None, (True, True), text, style=style)


def _scalar(value: Any) -> tuple[str, str | None]:
    """A scalar's text and its style: None for plain, which the writer may not take."""
    if isinstance(value, Structure):
        value = value.text
    if value is None or isinstance(value, NoStrings):
        return "null", None
    if isinstance(value, float):
        # It is written as JSON first, where 1000000.0 is an integer.
        text = json_text(value)
        return (str(int(text)) if text.lstrip("-").isdigit() else printed(value)), None
    if not isinstance(value, str):
        return printed(value), None
    if _surrogates.search(value):
        raise Fault("the value is not UTF-8 text")
    if _breaks.search(value):
        return value, '"'
    if "\n" in value:
        return value, "|"
    return value, None if isinstance(_typed(value), str) and not _looks_typed(value) else '"'


def _looks_typed(text: str) -> bool:
    return bool(_sexagesimal.fullmatch(text) or _date.fullmatch(text))


def _compared(a: str, b: str) -> int:
    """The order of keys: letters after everything else, numbers by value, so `a2` before `a10`."""
    place = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if place is None:
        return len(a) - len(b)
    one, other = a[place], b[place]
    if one.isalpha() and other.isalpha():
        return ord(one) - ord(other)
    if one.isalpha() or other.isalpha():
        return 1 if one.isalpha() else -1
    first, second = (_digits.findall(text, place, place + 300)[0] for text in (a, b))
    # A zero inside a number makes it ten times as large.
    before = a[:place]
    inside = "0" in (one, other) and before[len(before.rstrip("0123456789")) :].strip("0")
    lead = "1" if inside else "0"
    by_value = int(lead + first) - int(lead + second)
    return by_value or len(first) - len(second) or ord(one) - ord(other)


def from_yaml(text: str) -> Any:
    """The first document. Numbers are float64. Raises ValueError for what is not YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reading(iter(yaml.parse(encoded(text), Loader=loader))).run()
    except yaml.YAMLError as error:
        raise ValueError(getattr(error, "problem", None) or "it is not YAML") from None


class _Reading:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.events = events
        self.anchors: dict[str, Any] = {}

    def run(self) -> Any:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self.events), 0)
        weigh(value)
        return value

    def _value(self, event: yaml.Event, depth: int) -> Any:
        if depth > MAX_NESTING:
            raise Fault(f"the YAML has more than {MAX_NESTING} levels", "limit")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise ValueError(f"there is no anchor `{event.anchor}`")
            return self.anchors[event.anchor]
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = _typed(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            ends = iter(lambda: next(self.events), None)
            inner = itertools.takewhile(lambda e: not isinstance(e, yaml.SequenceEndEvent), ends)
            value = [self._value(each, depth + 1) for each in inner]
        else:
            value = self._mapping(depth)
        if anchor := getattr(event, "anchor", None):
            self.anchors[anchor] = value
        return value

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            merges = _is_merge(event)
            key = self._value(event, depth + 1)
            each = self._value(next(self.events), depth + 1)
            if merges:
                for source in each if isinstance(each, list) else [each]:
                    merged = {**(source if isinstance(source, dict) else {}), **merged}
            elif isinstance(key, list | dict):
                raise ValueError("a key is a scalar")
            else:
                value[key if isinstance(key, str) else json_text(key)] = each
        return {**merged, **value}


def _is_merge(event: yaml.Event) -> bool:
    """https://yaml.org/type/merge.html"""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"


def _typed(text: str) -> Any:
    """What a plain scalar means; dates stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isdigit() and text[0] not in "+-.":
        return text
    digits = text.replace("_", "") if text[0] != "." else text
    known = literals.number(digits)
    if known and isinstance(known[0], int):
        return float(known[0])
    return float(digits) if _float.fullmatch(digits) else text


def _read(kind: type, reader: Callable[[str], Any]) -> Callable[[Callable[[int], None], str], Any]:
    """Helm puts the fault into the value, where nobody looks for it; here it is an error."""

    def read(spend: Callable[[int], None], text: str) -> Any:
        spend(len(text) * _SLOW)
        try:
            value = reader(text)
        except ValueError as error:
            raise Fault(f"the text cannot be read: {error}") from None
        if value is None:
            return kind()
        if not isinstance(value, kind):
            raise Fault(f"the text is not a {'map' if kind is dict else 'list'}")
        return value

    return read


HELM: Mapping[str, Function] = {
    "fromJson": spending("string", _read(dict, from_json)),
    "fromJsonArray": spending("string", _read(list, from_json)),
    "fromYaml": spending("string", _read(dict, from_yaml)),
    "fromYamlArray": spending("string", _read(list, from_yaml)),
    "mustToJson": function("any", json_text),
    "mustToYaml": spending("any", to_yaml),
    "toJson": function("any", json_text),
    "toYaml": spending("any", to_yaml),
}
