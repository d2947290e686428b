"""When objects are healthy, for kinds that Flux does not judge rightly by itself.

In: emitted objects. Out: `healthCheckExprs` of the Kustomization that applies them.

Without an expression Flux goes by kstatus, which knows a few built-in kinds and a condition Ready.
An object without a status, or whose conditions have other names, is healthy to it at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelmill.catalogues import health_expressions
from modelmill.resource import Resource


def expressions(
    resources: Sequence[Resource], *, awaits_weights: bool = False
) -> list[dict[str, str]]:
    """An entry for each kind among the objects that needs one. `awaits_weights`: pods wait for
    weights, or fetch them, before their engine starts."""
    kinds = {(each.kind, each.api_version) for each in resources}
    # Without a route no Gateway writes a pool's status.
    skipped = set() if any(kind == "HTTPRoute" for kind, _ in kinds) else {"InferencePool"}
    if not awaits_weights:
        skipped.add("Deployment")
    known = health_expressions()
    return [
        {"apiVersion": api_version, "kind": kind, **_said(known[kind])}
        for kind, api_version in sorted(kinds)
        if kind in known and kind not in skipped and _is_of(known[kind]["group"], api_version)
    ]


def _said(entry: dict[str, str]) -> dict[str, str]:
    return {key: entry[key] for key in ("inProgress", "failed", "current") if key in entry}


def _is_of(group: str, api_version: str) -> bool:
    return api_version.rpartition("/")[0] == group
