"""What holds only until a day: findings that are accepted, and exemptions from what is demanded.

In: the catalog and a day. Out: findings. A compile never asks what day it is: the same input would
give another result tomorrow. `lint` does, and says so in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from modelmill.catalog import Catalog
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.spec.documents import Acceptance
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

if TYPE_CHECKING:
    from datetime import date

SOON = 14
"""Days."""
HINT = "mend what it is about and take it out, or agree on another day"


class Term(NamedTuple):
    """Something that holds until the end of a day: what it is, as a message begins."""

    what: str
    until: str
    node: Node


def expired(catalog: Catalog, today: Callable[[], date]) -> list[Diagnostic]:
    """What is past on a day, and what soon will be. Where nothing ever is, nobody asks what day."""
    terms = tuple(_terms(catalog))
    return [each for term in terms for each in _judged(term, today())]


def _terms(catalog: Catalog) -> Iterator[Term]:
    for model in catalog.models.values():
        for code, entry in model.record.accept.items():
            if isinstance(entry, Acceptance) and entry.until is not None:
                node = model.node.nearest("accept", code, "until")
                yield Term(f"`{code}` is accepted", entry.until, node)
    for overlay in catalog.overlays.values():
        for name, exemption in overlay.record.pod_security_exemptions.items():
            node = overlay.node.nearest("podSecurityExemptions", name, "until")
            yield Term(f"`{name}` is exempt", exemption.until, node)
    for document in (catalog.project, *(each.record for each in catalog.overlays.values())):
        yield from _of_policies(document.policies)


def _of_policies(policies: Node | None) -> Iterator[Term]:
    """Exemptions from policies, and values that are allowed though they look like secrets."""
    if policies is None:
        return
    for model, node in _entries(policies.get("exemptions")):
        for policy, entry in _entries(node):
            yield from _term(f"`{model}` is exempt of `{policy}`", entry)
    for name, entry in _entries(policies.get("secrets")):
        yield from _term(f"`{name}` is allowed", entry)


def _term(what: str, entry: Node) -> Iterator[Term]:
    until = entry.get("until")
    if until is not None:
        yield Term(what, str(until.value), until)


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    entries = node.value if node is not None else None
    yield from entries.items() if isinstance(entries, dict) else ()


def _judged(term: Term, today: date) -> Iterable[Diagnostic]:
    from datetime import date

    try:
        last = date.fromisoformat(term.until)
    except ValueError:
        yield error("C571", f"there is no day {term.until}", term.node.span)
        return
    until = f"{term.what} until {term.until}, which is"
    left = (last - today).days
    if left < 0:
        yield error("C571", f"{until} past", term.node.span, HINT)
    elif left <= SOON:
        when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
        yield warning("C571", f"{until} {when}", term.node.span, HINT)
