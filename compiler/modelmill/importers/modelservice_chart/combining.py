"""Values the chart writes beside values the user adds with `extraConfig`.

In: a container or pod spec, and the raw keys to add. Out: both in one. The chart puts the two texts
one after the other, so that a key of both stands twice and YAML readers keep the last.
"""

from __future__ import annotations

from typing import Any

_IDENTITY = ("name", "mountPath", "containerPort")
_TERMS = "nodeSelectorTerms"
_HANDLERS = frozenset({"exec", "grpc", "httpGet", "tcpSocket"})


def combined(own: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """`extra` under `own`: mappings merge, lists join by their entries' identity.

    Of node selector terms any may hold, so that each is joined with each to make both hold. Of a
    probe's handlers the one of `own` stays.
    """
    found = dict(own)
    for key, value in extra.items():
        if key in _HANDLERS and own.keys() & _HANDLERS:
            # A probe has one; the chart's is what runs.
            continue
        if key == _TERMS and key in found:
            found[key] = [combined(own_term, term) for own_term in own[key] for term in value]
        else:
            found[key] = _one(found[key], value) if key in found else value
    return found


def repeated(own: dict[str, Any], extra: dict[str, Any]) -> list[str]:
    """The keys of both."""
    return [key for key in extra if key in own and own[key] not in (None, [], {}, "")]


def _one(own: Any, extra: Any) -> Any:
    if isinstance(own, dict) and isinstance(extra, dict):
        return combined(own, extra)
    if isinstance(own, list) and isinstance(extra, list) and _keyed(own) and _keyed(extra):
        known = {_identity(each) for each in own}
        return [*(each for each in extra if _identity(each) not in known), *own]
    return extra if own in (None, [], {}, "") else own


def _keyed(values: list[Any]) -> bool:
    return all(isinstance(each, dict) for each in values)


def _identity(entry: dict[str, Any]) -> str:
    return next((f"{key}={entry[key]}" for key in _IDENTITY if key in entry), repr(entry))
