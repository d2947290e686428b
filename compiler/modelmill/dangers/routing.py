"""Requests that a route no longer leads anywhere: its Gateways, hosts, and what its rules match.

https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec: without host names a route is for
every host, a rule without matches for every path, and a prefix ends where a part of the path does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelmill.dangers.finding import Danger, at, danger, listed, quoted
from modelmill.patch import same
from modelmill.resource import Resource
from modelmill.routes import BASE_MODEL_HEADER, MODEL_HEADER
from modelmill.tuples import NamedTuple

NAMES = frozenset({MODEL_HEADER.lower(), BASE_MODEL_HEADER.lower()})
"""Headers that hold the name which a request asks for; `effects` tells which names are gone."""


class Match(NamedTuple):
    """What a rule asks of a request: `kind` is how `path` is meant; `rest` all else, as pairs."""

    kind: str
    path: str
    rest: frozenset[tuple[str, ...]]

    def holds(self, other: Match) -> bool:
        """Whether every request that the other matches is matched by this as well."""
        is_below = f"{other.path}/".startswith(f"{self.path.rstrip('/')}/")
        is_path = (self.kind, self.path) == (other.kind, other.path) or (
            self.kind == "PathPrefix" and other.kind in ("PathPrefix", "Exact") and is_below
        )
        return is_path and self.rest <= other.rest


def judge(old: Resource, new: Resource) -> Iterable[Danger]:
    if new.kind != "HTTPRoute":
        return
    for parent in _gone_parents(old, new):
        name = at(parent, "name") or parent
        message = f"it leaves the Gateway {quoted(name)}: requests there are no longer routed"
        yield danger("route-moved", new, "spec.parentRefs", message)
    before, after = (list(map(str, listed(at(s.body, "spec", "hostnames")))) for s in (old, new))
    if after and not before:
        message = f"requests for other hosts than {quoted(', '.join(after))} are no longer routed"
        yield danger("route-moved", new, "spec.hostnames", message)
    for host in before if after else ():
        if not any(_is_of(host, each) for each in after):
            message = f"requests for {quoted(host)} are no longer routed"
            yield danger("route-moved", new, "spec.hostnames", message)
    now = list(_matches(new))
    for match in dict.fromkeys(_matches(old)):
        if not any(each.holds(match) for each in now):
            message = f"requests for {_shown(match)} are no longer routed"
            yield danger("route-moved", new, "spec.rules", message)


def _gone_parents(old: Resource, new: Resource) -> list[Any]:
    before, after = (listed(at(side.body, "spec", "parentRefs")) for side in (old, new))
    return [each for each in before if not any(same(each, other) for other in after)]


def _is_of(host: str, pattern: str) -> bool:
    """Whether a host, or all that a pattern stands for, is of another pattern."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _matches(route: Resource) -> Iterator[Match]:
    for rule in listed(at(route.body, "spec", "rules")):
        for match in listed(at(rule, "matches")) or [{}]:
            kind, path = at(match, "path", "type"), at(match, "path", "value")
            yield Match(str(kind or "PathPrefix"), str(path or "/"), frozenset(_rest(match)))


def _rest(match: Any) -> Iterator[tuple[str, ...]]:
    if at(match, "method"):
        yield "method", str(at(match, "method"))
    for field in ("headers", "queryParams"):
        for each in listed(at(match, field)):
            name = str(at(each, "name"))
            name = name.lower() if field == "headers" else name
            if name not in NAMES:
                yield field, name, str(at(each, "type") or "Exact"), str(at(each, "value"))


def _shown(match: Match) -> str:
    rest = ", ".join("=".join(each[1::2]) for each in sorted(match.rest))
    return quoted(match.path) + (f" with {quoted(rest)}" if rest else "")
