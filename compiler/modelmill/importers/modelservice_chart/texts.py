"""Text that YAML reads as a number or a truth value, where Kubernetes takes text only.

In: a release. Out: the release with such values as text, and a finding for each place: the API
server refuses the object as the chart renders it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, warning
from modelmill.dotted import spell
from modelmill.gotypes.scalars import written
from modelmill.importers.helm import Path
from modelmill.importers.modelservice_chart.facts import ROLES
from modelmill.importers.modelservice_chart.release import Release

_MAPPINGS = ("annotations", "podAnnotations", "nodeSelector")
_MONITOR = ("labels", "annotations")


def with_texts(release: Release) -> tuple[Release, tuple[Diagnostic, ...]]:
    """The release with text where text is needed."""
    found: list[Diagnostic] = []
    values: Any = release.values
    for path in _places(release):
        given = release.get(*path)
        if given is None or isinstance(given, str | dict | list):
            continue
        values = replaced(values, path, written(given))
        where = spell(path)
        found.append(
            warning(
                "I818",
                f"`{where}` is no string, which the API server refuses: taken over as "
                f'"{written(given)}"',
                release.at(*path),
                "put it in quotes",
            )
        )
    return release._replace(values=values), tuple(found)


def replaced(values: Any, path: Path, new: Any) -> Any:
    """The values with another one at `path`."""
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(values, list):
        assert isinstance(head, int)
        return [*values[:head], replaced(values[head], rest, new), *values[head + 1 :]]
    return {**values, head: replaced(values.get(head), rest, new)}


def _places(release: Release) -> Iterator[Path]:
    yield from _entries(release, ("modelArtifacts", "labels"))
    for role in ROLES:
        for key in _MAPPINGS:
            yield from _entries(release, (role, key))
        for key in _MONITOR:
            yield from _entries(release, (role, "monitoring", "podmonitor", key))
        for listed in ("containers", "initContainers"):
            for at, container in enumerate(release.get(role, listed) or []):
                yield from _words(container, (role, listed, at))


def _entries(release: Release, path: Path) -> Iterator[Path]:
    given = release.get(*path)
    if isinstance(given, dict):
        yield from ((*path, key) for key in given)


def _words(container: dict[str, Any], path: Path) -> Iterator[Path]:
    for key in ("command", "args"):
        yield from ((*path, key, at) for at in range(len(container.get(key) or [])))
    env = container.get("env")
    for at, entry in enumerate(env if isinstance(env, list) else []):
        if isinstance(entry, dict) and "value" in entry:
            yield (*path, "env", at, "value")
