"""C558: a formula of KEDA's scalingModifiers reads triggers that there are.

Source: kedacore/keda, apis/keda/v1alpha1/scaledobject_webhook.go, which compiles the formula with
the names of triggers. Its language: expr-lang/expr, docs/language-definition.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from modelmill.autoscaling import RESOURCE_TRIGGERS, trigger_name
from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.regexes import regex
from modelmill.spec.autoscaling import Autoscaling
from modelmill.variant import Variant

READS = "autoscaling"
CODE = "C558"
WORDS = (
    *("in", "not", "and", "or", "matches", "contains", "startsWith", "endsWith"),
    *("let", "if", "else", "true", "false", "nil"),
)
"""Words of the language that are no names."""
_texts = regex(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_declared = regex(r"\blet\s+([A-Za-z_]\w*)")
# Neither a member of something, nor a function, nor the exponent of a number.
_names = regex(r"(?<![\w.$])[A-Za-z_]\w*\b(?!\s*\()")


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        scaling = role.autoscaling
        if scaling is not None and scaling.by == "keda" and scaling.scaling_modifiers is not None:
            yield from _whole(variant, key, scaling)
            yield from _read(variant, key, scaling)


def _whole(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    modifiers, place = scaling.scaling_modifiers, ("roles", key, "autoscaling", "scalingModifiers")
    assert modifiers is not None
    given = {"formula": modifiers.formula, "target": modifiers.target}
    for field in (name for name, value in given.items() if not value):
        message = f"`scalingModifiers` of `{key}` have no `{field}`"
        hint = "KEDA needs both: {formula: queue_size + running_requests, target: '16'}"
        yield error(CODE, message, variant.key_span_of(*place), hint)
    if modifiers.target and Decimal(modifiers.target) <= 0:
        message = f"the target {modifiers.target} is not more than 0"
        yield error(CODE, message, variant.span_of(*place, "target"), "how much one replica takes")


def _read(variant: Variant, key: str, scaling: Autoscaling) -> Iterator[Diagnostic]:
    assert scaling.scaling_modifiers is not None
    formula = scaling.scaling_modifiers.formula or ""
    span = variant.span_of("roles", key, "autoscaling", "scalingModifiers", "formula")
    for name in (*scaling.triggers, *scaling.further_triggers):
        written = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        if "-" in name and written.search(formula):
            meant = trigger_name(scaling, name)
            message = f"in a formula `{name}` is a subtraction, not a trigger"
            yield error(CODE, message, span, f"write it `{meant}`")
            formula = written.sub(meant, formula)
    further = scaling.further_triggers
    resources = {
        trigger_name(scaling, name): each["type"]
        for name, each in further.items()
        if each.get("type") in RESOURCE_TRIGGERS
    }
    named = [trigger_name(scaling, name) for name in scaling.triggers]
    named += [str(each.get("name") or trigger_name(scaling, k)) for k, each in further.items()]
    known = [name for name in named if name not in resources]
    plain = _texts.sub("", formula)
    own = {*WORDS, *_declared.findall(plain)}
    for name in dict.fromkeys(_names.findall(plain)):
        if name in resources:
            message = f"a formula cannot read `{name}`, a trigger of the type {resources[name]}"
            yield error(
                CODE, message, span, "KEDA hands it to the HorizontalPodAutoscaler as it is"
            )
        elif name not in known and name not in own:
            hint = did_you_mean(name, known) or "there are " + ", ".join(known)
            yield error(
                CODE, f"the formula reads `{name}`, and no trigger is called so", span, hint
            )
