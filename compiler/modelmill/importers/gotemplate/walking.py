"""All there is in a template, however deep.

In: parts. Out: these, and what is inside them, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.nodes import Part, Pipeline, Term


def functions_of(body: tuple[Part, ...]) -> Iterator[nodes.Function]:
    """Every function that is named, in the order of the text."""
    return (each for each in every(body) if isinstance(each, nodes.Function))


def every(body: tuple[Part, ...]) -> Iterator[Part | Pipeline | Term]:
    """The parts with all they hold, in the order of the text."""
    waiting: list[Part | Pipeline | Term] = list(reversed(body))
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(reversed(_below(each)))


def _below(each: Part | Pipeline | Term) -> list[Part | Pipeline | Term]:
    if isinstance(each, nodes.Action):
        return [each.pipeline]
    if isinstance(each, nodes.Pipeline):
        return [term for command in each.commands for term in command.terms]
    if isinstance(each, nodes.Chain):
        return [each.of]
    if isinstance(each, nodes.If | nodes.With):
        branches = [part for b in each.branches for part in (b.pipeline, *b.body)]
        return [*branches, *each.otherwise]
    if isinstance(each, nodes.Range):
        return [each.pipeline, *each.body, *each.otherwise]
    if isinstance(each, nodes.Call):
        return [each.pipeline] if each.pipeline else []
    return []
