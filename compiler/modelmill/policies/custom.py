"""V320–V322: the repository's own rules, asked of what a model deploys.

In: a variant and its objects, or an environment's own, and what holds there. Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.custom_rules import (
    INSTALL,
    Answers,
    Faulty,
    Question,
    Unanswered,
    is_available,
    question,
)
from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.dotted import parse_path
from modelmill.pod_places import owner_of
from modelmill.policies.settings import SEVERITIES, Held
from modelmill.resource import Resource
from modelmill.spec.policies import Rule
from modelmill.tree import plain
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

EVERY_KIND = "*"
OF_MODELS = ("model", "environment", "namespaceName")
WORDS = (
    "it may read `model`, `labels`, `spec`, `environment`, `namespaceName`; "
    "with `kinds` also `object`"
)


class Told(NamedTuple):
    """A finding, and the policy whose it is."""

    policy: str
    finding: Diagnostic


def faulty(held: Held) -> Iterator[Diagnostic]:
    """Rules that cannot be asked of anything."""
    for name, rule in held.policies.rules.items():
        span = _place(held, name, "expression")
        if not is_available():
            message = "rules need the evaluator of CEL, which is not installed"
            yield error("V321", message, _place(held, "", ""), INSTALL)
            return
        try:
            question(rule.expression)
        except Faulty as fault:
            yield error("V321", f"the rule `{name}` cannot be read: {fault}", span, WORDS)


def broken(variant: Variant, resources: Sequence[Resource], held: Held) -> Iterator[Told]:
    """Rules that a model, or what it deploys, does not keep."""
    rules = _rules(held, variant.environment)
    if not rules:
        return
    answers = Answers(_values(variant))
    for name, (rule, asked) in rules.items():
        where = variant.span_of(*_path(rule)) if rule.path else variant.model.span
        if not rule.kinds:
            yield from _asked(held, name, rule, (answers, asked, {}), where, ())
        for resource in _meant(rule, resources):
            span = where if rule.path else owner_of(variant, resource)
            note = (Note(f"in {resource.kind} `{resource.name}`"),)
            about = {"object": resource.body}
            yield from _asked(held, name, rule, (answers, asked, about), span, note)


def broken_by(resource: Resource, held: Held) -> Iterator[Diagnostic]:
    """Rules that an object breaks which is of no model. What they ask of models has no answer."""
    rules = _rules(held, None)
    answers = Answers({**dict.fromkeys(OF_MODELS, ""), "labels": {}, "spec": {}}) if rules else None
    for name, (rule, asked) in rules.items():
        if answers is not None and _meant(rule, [resource]):
            note = (Note(f"in {resource.kind} `{resource.name}`"),)
            how = (answers, asked, {"object": resource.body})
            told = _asked(held, name, rule, how, _place(held, name, "expression"), note)
            yield from (each.finding for each in told if each.finding.code == "V320")


def _asked(
    held: Held,
    name: str,
    rule: Rule,
    how: tuple[Answers, Question, Mapping[str, Any]],
    span: Span,
    notes: tuple[Note, ...],
) -> Iterator[Told]:
    answers, asked, about = how
    policy = f"rules.{name}"
    place = _place(held, name, "expression")
    try:
        if answers.ask(asked, **about):
            return
    except Faulty as fault:
        found = error("V321", f"the rule `{name}` cannot be asked: {fault}", place, WORDS)
    except Unanswered as fault:
        message = f"the rule `{name}` has no answer: {fault}"
        found = error("V322", message, span, "", (*notes, Note("the rule is here", place)))
    else:
        told = (*notes, Note(f"the rule `{name}` is here", _place(held, name, "")))
        found = Diagnostic("V320", SEVERITIES[rule.severity], rule.message, span, "", told)
    yield Told(policy, found)


def _rules(held: Held, environment: str | None) -> dict[str, tuple[Rule, Question]]:
    """The rules for an environment; not those that `faulty` tells of."""
    found: dict[str, tuple[Rule, Question]] = {}
    for name, rule in held.policies.rules.items():
        if rule.environments and environment not in rule.environments:
            continue
        try:
            found[name] = (rule, question(rule.expression))
        except (Faulty, ImportError):
            continue
    return found


def _values(variant: Variant) -> dict[str, Any]:
    return {
        "model": variant.name,
        "labels": dict(variant.model.record.metadata.labels),
        "spec": plain(variant.tree),
        "environment": variant.environment or "",
        "namespaceName": variant.namespace or "",
    }


def _meant(rule: Rule, resources: Sequence[Resource]) -> list[Resource]:
    return [r for r in resources if r.kind in rule.kinds or EVERY_KIND in rule.kinds]


def _path(rule: Rule) -> tuple[str | int, ...]:
    return parse_path((rule.path or "").removeprefix("spec.")) or ()


def _place(held: Held, name: str, key: str) -> Span:
    assert held.node is not None
    return held.node.nearest("rules", *([name] if name else []), *([key] if key else [])).key_span
