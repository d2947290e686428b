"""What must hold of every answer: it is a finding that a person can read, and the same each time.

In: a call. Out: its result, or the findings it raised; anything else that is raised is a find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.reports import FORMATS, render

T = TypeVar("T")
# None is also a word of the field: a restart policy, a strategy, a policy of ExternalSecrets.
PYTHON = re.compile(r"NoneType|dict_keys|object at 0x|Traceback|<class |\bOrderedDict\b")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LONGEST = 20_000
"""Characters of one message: inputs are under 10 kB, and a message does not repeat them."""


def answered(call: Callable[[], T]) -> T | tuple[Diagnostic, ...]:
    """The result of a call, or its findings."""
    try:
        return call()
    except CompileError as fault:
        found = fault.diagnostics
    assert found, "it failed and said nothing"
    readable(found)
    return found


def readable(findings: Iterable[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
    """Findings can be read in every coat, and hold no words of Python or commands of a terminal."""
    found = tidy(findings)
    for each in found:
        said = "\n".join([each.message, each.hint, *(note.message for note in each.notes)])
        assert each.message, each
        assert not PYTHON.search(said), said
        assert len(said) < LONGEST, len(said)
        if each.span is not None:
            assert each.span.line > 0, each
            assert each.span.column > 0, each
    for coat in FORMATS:
        shown = render(coat, found, texts or {})
        shown.encode()
        assert not UNPRINTABLE.search(shown), shown


def twice(call: Callable[[], Any]) -> Any:
    """The same answer to the same question."""
    first, second = answered(call), answered(call)
    assert repr(first) == repr(second), "another answer the second time"
    return first
