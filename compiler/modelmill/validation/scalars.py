"""V158: plain words in YAML that its readers do not take for the same thing.

In: the text of a file. Out: findings. kubectl reads YAML 1.1, kustomize its own mixture, other
tools YAML 1.2: `on` is true or text, `1e3` a number or text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from modelmill.diagnostics import Diagnostic, Span, cut, warning
from modelmill.regexes import regex
from modelmill.yaml_faults import unambiguous
from modelmill.yaml_words import AMBIGUOUS_WORDS

MODES = frozenset({"defaultMode", "mode"})
"""Permissions of files, which everybody writes as 0644 and every tool of Kubernetes reads so."""
READ_ALIKE = frozenset({"<<", "=", ".nan", ".NaN", ".NAN"})
_is_ambiguous = regex(
    r"""( [-+]?0[0-9]+ | [-+]?0[oObB][0-7]+ | [-+]?[0-9]++_[0-9_]*+
        | [-+]?[0-9]+(:[0-5]?[0-9])+
        | [-+]?[0-9]+(\.[0-9]*)?[eE][0-9]+
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)? )""",
    re.VERBOSE,
)


def findings(name: str, text: str) -> Iterator[Diagnostic]:
    """Of a text that is YAML; one that is not has been told of."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stack: list[bool] = []
    key: str | None = None
    awaits_key = False
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            stack.append(isinstance(event, MappingStartEvent))
            awaits_key = stack[-1]
            continue
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
            awaits_key = bool(stack) and stack[-1]
            continue
        if not isinstance(event, ScalarEvent):
            awaits_key = bool(stack) and stack[-1]
            continue
        if awaits_key:
            key, awaits_key = event.value, False
            continue
        if event.implicit[0] and _differs(event.value, key):
            mark: Any = event.start_mark
            span = Span(name, mark.line + 1, mark.column + 1, len(event.value))
            message = f"tools disagree on what `{cut(event.value)}` means"
            yield warning("V158", message, span, unambiguous(event.value))
        awaits_key = bool(stack) and stack[-1]


def _differs(text: str, key: str | None) -> bool:
    if text in AMBIGUOUS_WORDS:
        return text not in READ_ALIKE
    return key not in MODES and bool(text) and _is_ambiguous.fullmatch(text) is not None
