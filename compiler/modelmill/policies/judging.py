"""What a model deploys, held to the policies of its environment.

In: a variant and its objects, as they are delivered. Out: findings, each at the line of the model
or preset that the object's field comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelmill.diagnostics import Diagnostic, Note
from modelmill.pod_places import key_of, origin
from modelmill.policies.broken import Broken
from modelmill.policies.objects import CODES, broken
from modelmill.policies.settings import SEVERITIES, Held
from modelmill.registries import PARTS
from modelmill.resource import Resource
from modelmill.spec.policies import PolicyExemption
from modelmill.tree import Node
from modelmill.variant import Variant

WHOLE = ("",)
"""A path that is written nowhere: a finding about the pod as such is told at what it is of."""


def judge(variant: Variant, resources: Sequence[Resource], held: Held) -> Iterator[Diagnostic]:
    """Policies of modelmill's own, then the repository's own rules."""
    for resource in resources:
        for each in broken(resource, resources, held):
            yield _finding(variant, resource, each, held)
    if not held.policies.rules:
        return
    from modelmill.policies import custom

    for told in custom.broken(variant, resources, held):
        yield exempted(told.finding, held.exemption(variant.name, told.policy))


def _finding(variant: Variant, resource: Resource, each: Broken, held: Held) -> Diagnostic:
    find = origin if each.path[-1:] == ("image",) else key_of
    written = _written(variant.tree, each.what) if resource.kind in PARTS else None
    span = written.span if written else find(variant, resource, each.part, each.path or WHOLE)
    notes = (Note(f"in {resource.kind} `{resource.name}`"), *held.told(each.policy))
    severity = SEVERITIES[held.level(each.policy)]
    found = Diagnostic(CODES[each.policy], severity, each.what, span, each.hint, notes)
    return exempted(found, held.exemption(variant.name, each.policy))


def _written(node: Node, what: str) -> Node | None:
    """Where an image that a finding names is written: KServe's resource is of no role."""
    if isinstance(node.value, str):
        return node if f"`{node.value}`" in what else None
    below = node.value.values() if isinstance(node.value, dict) else node.value
    found = (_written(each, what) for each in below) if isinstance(node.value, dict | list) else ()
    return next((each for each in found if each is not None), None)


def exempted(found: Diagnostic, exemption: PolicyExemption | None) -> Diagnostic:
    """A finding that somebody agreed to is a warning, which tells why and until when."""
    if exemption is None:
        return found
    note = Note(f"exempt until {exemption.until}: {exemption.reason}")
    return found._replace(severity="warning", notes=(*found.notes, note))
