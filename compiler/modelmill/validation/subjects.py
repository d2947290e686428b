"""An object to validate, with the way back to what people wrote.

In: an object and where it is from. Out: findings made of its faults.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from modelmill.diagnostics import Diagnostic, Note, Span
from modelmill.resource import Resource
from modelmill.tree import Node
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path, spelled


class Way(Protocol):
    """From a path in an object to the line behind it; `at_key`: to the key there."""

    def __call__(self, path: Path, at_key: bool, /) -> Span: ...


class Subject(NamedTuple):
    """An object, and the way back to its lines."""

    resource: Resource
    span_of: Way
    place: str = ""
    """Where a person finds it, if a span is not in the object itself."""


def in_file(resource: Resource, root: Node) -> Subject:
    """An object that stands in a file as it is."""

    def span_of(path: Path, at_key: bool) -> Span:
        node = root.nearest(*path)
        return node.key_span if at_key else node.span

    return Subject(resource, span_of)


def finding(subject: Subject, fault: Fault) -> Diagnostic:
    """A fault at the line that caused it, with a note that says of which object it is."""
    resource = subject.resource
    span = subject.span_of(fault.path, fault.at_key)
    where = spelled(resource.body, fault.path)
    named = f"in {resource.kind} `{resource.name}`" + (f" at `{where}`" if where else "")
    notes = (Note(named + (f", {subject.place}" if subject.place else "")),)
    told = (fault.code, fault.severity, fault.message)
    return Diagnostic(*told, span, fault.hint, notes, fault.fixes)


def findings(subject: Subject, faults: Iterable[Fault]) -> list[Diagnostic]:
    return [finding(subject, fault) for fault in faults]
