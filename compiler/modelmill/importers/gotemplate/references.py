"""What a template refers to.

In: a template. Out: the field chains it uses, or its text with plain chains in their places. For
importers, which turn `{{ .X }}` into references of their own where a template does nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.importers.gotemplate import nodes
from modelmill.importers.gotemplate.nodes import Part, Pipeline, Term
from modelmill.importers.gotemplate.template import Template
from modelmill.importers.gotemplate.walking import every

_Chain = tuple[str, ...]
_Scope = dict[str, _Chain | None]

_MAX_CALLS = 10


def references(template: Template) -> list[_Chain]:
    """The chains from the data that the template uses, each once, in the order of the text.

    `.Values.a`, `$.Values.a` and, inside `with .Values`, `.a` are all ("Values", "a"), and so is
    `index .Values "a"`. The data as a whole is (). What is taken from a computed value, or from an
    item of a list, is not told: the chain it came from is.
    """
    finder = _Finder(template.tree.definitions)
    finder.run(template.tree.parts)
    return list(finder.found)


def parts(template: Template) -> tuple[str | _Chain, ...] | None:
    """The text with each `{{ .a.b }}` as a chain; None if the template does anything else."""
    result: list[str | _Chain] = []
    for part in template.tree.parts:
        if isinstance(part, nodes.Text):
            result.append(part.text)
            continue
        chain = _plain(part)
        if not chain:
            return None
        result.append(chain)
    return tuple(result)


def _plain(part: Part) -> _Chain | None:
    if not isinstance(part, nodes.Action) or part.pipeline.variables:
        return None
    if len(part.pipeline.commands) > 1 or len(part.pipeline.commands[0].terms) > 1:
        return None
    return _of(part.pipeline.commands[0].terms[0], (), {"$": ()})


def _of(term: Term, dot: _Chain | None, scope: _Scope) -> _Chain | None:
    """The chain that a term stands for, if it is one of the data."""
    if isinstance(term, nodes.Dot):
        return dot
    if isinstance(term, nodes.Field):
        return None if dot is None else (*dot, *term.names)
    if isinstance(term, nodes.Variable):
        known = scope.get(term.name)
        return None if known is None else (*known, *term.names)
    if isinstance(term, nodes.Chain):
        inner = _of(term.of, dot, scope)
        return None if inner is None else (*inner, *term.names)
    if isinstance(term, nodes.Pipeline):
        return _of_pipeline(term, dot, scope)
    return None


def _of_pipeline(pipeline: Pipeline, dot: _Chain | None, scope: _Scope) -> _Chain | None:
    if len(pipeline.commands) > 1:
        return None
    first, *keys = pipeline.commands[0].terms
    if not keys:
        return _of(first, dot, scope)
    if not isinstance(first, nodes.Function) or first.name != "index":
        return None
    inner = _of(keys[0], dot, scope)
    names = [key.value for key in keys[1:] if isinstance(key, nodes.Literal)]
    texts = [name for name in names if isinstance(name, str)]
    return None if inner is None or len(texts) < len(keys) - 1 else (*inner, *texts)


class _Finder:
    """Walks as the evaluator does, with the chain that dot and each variable stand for."""

    def __init__(self, definitions: Mapping[str, tuple[Part, ...]]) -> None:
        self.definitions = definitions
        self.found: dict[_Chain, None] = {}
        self.seen: dict[str, set[_Chain | None]] = {}
        self.called: list[tuple[str, _Chain | None]] = []
        self.assigned: set[str] = set()

    def run(self, body: tuple[Part, ...]) -> None:
        for each in (body, *self.definitions.values()):
            pipelines = (part for part in every(each) if isinstance(part, nodes.Pipeline))
            self.assigned.update(n for p in pipelines if p.assigns for n in p.variables)
        self.parts(body, (), {"$": ()})
        while self.called:
            name, dot = self.called.pop(0)
            self.parts(self.definitions.get(name, ()), dot, {"$": dot})

    def parts(self, body: tuple[Part, ...], dot: _Chain | None, scope: _Scope) -> None:
        for part in body:
            if isinstance(part, nodes.Action):
                self._pipeline(part.pipeline, dot, scope)
            elif isinstance(part, nodes.If | nodes.With):
                inner = dict(scope)
                for branch in part.branches:
                    chain = self._pipeline(branch.pipeline, dot, inner)
                    below = chain if isinstance(part, nodes.With) else dot
                    self.parts(branch.body, below, dict(inner))
                self.parts(part.otherwise, dot, inner)
            elif isinstance(part, nodes.Range):
                inner = dict(scope)
                self._pipeline(part.pipeline, dot, inner)
                self.parts(part.body, None, {**inner, **dict.fromkeys(part.pipeline.variables)})
                self.parts(part.otherwise, dot, dict(scope))
            elif isinstance(part, nodes.Call):
                chain = self._pipeline(part.pipeline, dot, scope) if part.pipeline else None
                self._template(part.name, chain)

    def _template(self, name: str, dot: _Chain | None) -> None:
        seen = self.seen.setdefault(name, set())
        # A template that calls itself with `.a` would be called with longer chains for ever.
        if dot not in seen and len(seen) < _MAX_CALLS:
            seen.add(dot)
            self.called.append((name, dot))

    def _pipeline(self, pipeline: Pipeline, dot: _Chain | None, scope: _Scope) -> _Chain | None:
        chain = _of_pipeline(pipeline, dot, scope)
        if chain is not None:
            self.found[chain] = None
        else:
            for command in pipeline.commands:
                for term in command.terms:
                    self._term(term, dot, scope)
        for name in pipeline.variables:
            # What is assigned in a branch or a loop may be anything afterwards.
            scope[name] = None if name in self.assigned else chain
        return chain

    def _term(self, term: Term, dot: _Chain | None, scope: _Scope) -> None:
        chain = _of(term, dot, scope)
        if chain is not None:
            self.found[chain] = None
        elif isinstance(term, nodes.Chain):
            self._term(term.of, dot, scope)
        elif isinstance(term, nodes.Pipeline):
            self._pipeline(term, dot, scope)
