"""Text that KServe would take for a template.

In: a part of a resource. Out: the same, of which KServe's evaluation makes what was given: it runs
Go's text/template over the JSON of the whole specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPENING = "{{"
# In backticks: quotes would be escaped as JSON first.
ESCAPED = "{{ `{{` }}"


def escaped(value: Any) -> Any:
    """Plain data whose strings have no template but ones that print `{{`."""
    if isinstance(value, str):
        return value.replace(OPENING, ESCAPED)
    if isinstance(value, Mapping):
        return {escaped(key): escaped(each) for key, each in value.items()}
    return [escaped(each) for each in value] if isinstance(value, list | tuple) else value


def unfrozen(value: Any) -> Any:
    """Plain data as it is written."""
    if isinstance(value, Mapping):
        return {key: unfrozen(each) for key, each in value.items()}
    return [unfrozen(each) for each in value] if isinstance(value, list | tuple) else value
