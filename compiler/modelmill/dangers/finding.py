"""One thing a reviewer must know about a change, and how the rules look at an object."""

from __future__ import annotations

from typing import Any, Literal

from modelmill.resource import Resource
from modelmill.source_diff import Cause
from modelmill.tuples import NamedTuple

Level = Literal["danger", "notice"]


class Danger(NamedTuple):
    """What a change does beyond its lines.

    level    danger: a sync fails, data or traffic is lost; notice: worth a look
    rule     its name, which programs may go by
    kind     of the object; Model or Environment where it is all of one
    path     the field that changed; empty where it is the whole object
    hint     what to do
    causes   the edits it comes from, where they can be told
    """

    level: Level
    rule: str
    kind: str
    name: str
    path: str
    message: str
    hint: str = ""
    causes: tuple[Cause, ...] = ()


def danger(
    rule: str,
    resource: Resource,
    path: str,
    message: str,
    hint: str = "",
    *,
    level: Level = "danger",
) -> Danger:
    return Danger(level, rule, resource.kind, resource.name, path, message, hint)


def notice(rule: str, resource: Resource, path: str, message: str, hint: str = "") -> Danger:
    return danger(rule, resource, path, message, hint, level="notice")


def at(value: Any, *path: str) -> Any:
    """The value below, or None: what people wrote of objects may have any shape."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def quoted(value: Any) -> str:
    """Foreign text in a message, which ends at its second backtick whatever it holds."""
    return f"`{str(value).replace('`', chr(39))}`"


def number(value: Any) -> int | None:
    """A whole number as such; True is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def api_group(resource: Resource) -> str:
    """`apps` of `apps/v1`; empty for the core group."""
    return resource.api_version.rpartition("/")[0]
