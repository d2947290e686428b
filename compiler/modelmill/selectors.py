"""Label selectors, with the meaning Kubernetes gives them."""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.spec.documents import Requirement, Selector


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether every condition holds; a selector without any takes everything."""
    if not selector.match_labels and not selector.match_expressions:
        return True
    exact = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return exact and all(_holds(each, labels) for each in selector.match_expressions)


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    """NotIn holds for what lacks the label, as it does in Kubernetes."""
    if requirement.operator in ("Exists", "DoesNotExist"):
        return (requirement.key in labels) == (requirement.operator == "Exists")
    is_listed = labels.get(requirement.key) in requirement.values
    return is_listed == (requirement.operator == "In")
