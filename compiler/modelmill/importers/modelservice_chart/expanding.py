"""Templates in a release's values, evaluated where the chart evaluates them.

In: a release whose values still hold templates. Out: the release without them, and a finding for
each that cannot be carried over. What the chart takes literally stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, cut, error
from modelmill.dotted import spell
from modelmill.importers.helm import (
    Context,
    Path,
    Unrenderable,
    expanded,
    expanded_text,
    holds_template,
    rendered,
)
from modelmill.importers.modelservice_chart.facts import ROLES
from modelmill.importers.modelservice_chart.release import Release, is_former, template_context
from modelmill.importers.modelservice_chart.texts import replaced

_ROLE_KEYS = ("extraConfig",)
_CONTAINER_KEYS = ("extraConfig", "env", "ports")
_ROUTING: tuple[Path, ...] = (
    ("routing", "parentRefs"),
    ("routing", "httpRoute", "matches"),
    ("routing", "httpRoute", "rules"),
)
MOST_WORK = 3_000_000
Evaluate = Callable[[Any, Context, Path], Any]


def without_templates(release: Release) -> tuple[Release, tuple[Diagnostic, ...]]:
    """The release with every template evaluated that the chart evaluates."""
    values_seen, templates = _counted(release.values)
    if values_seen * templates > MOST_WORK:
        message = f"{templates} templates in {values_seen} values are more than can be evaluated"
        span, hint = release.user.span, "write most of them out"
        return release, (error("I802", message, span, hint),)
    found: list[Diagnostic] = []
    values: Any = release.values
    for path, context, evaluate in _places(release):
        given = release.get(*path)
        if not (holds_template(given) or (isinstance(given, str) and evaluate is _section)):
            continue
        try:
            values = replaced(values, path, evaluate(given, context, path))
        except Unrenderable as fault:
            found.append(_finding(release, fault))
            if isinstance(given, str) and evaluate is _section:
                values = replaced(values, path, None)
    return release._replace(values=values), tuple(found)


def _counted(value: Any) -> tuple[int, int]:
    """How many values there are, and how many of them are templates: each sees all values."""
    if isinstance(value, dict | list):
        counted = [
            _counted(each) for each in (value.values() if isinstance(value, dict) else value)
        ]
        return 1 + sum(each[0] for each in counted), sum(each[1] for each in counted)
    return 1, int(holds_template(value))


def _places(release: Release) -> Iterator[tuple[Path, Context, Evaluate]]:
    """Where templates are evaluated, and what they see there."""
    root = template_context(release)
    for role in ROLES:
        spec = release.get(role)
        if not spec.get("create"):
            continue
        own = {**root.data, "pdSpec": spec, "role": role}
        yield from (((role, key), root._replace(data=own), _section) for key in _ROLE_KEYS)
        for at, container in enumerate(spec.get("containers") or []):
            more = {"container": container, "parallelism": spec.get("parallelism")}
            seen = root._replace(data={**own, **more})
            yield from (((role, "containers", at, key), seen, _section) for key in _CONTAINER_KEYS)
    for at in range(len(release.get("extraObjects") or [])):
        yield ("extraObjects", at), root, _section
    yield ("modelArtifacts", "uri"), root, _address
    if is_former(release):
        yield from ((path, root, _section) for path in _ROUTING)


def _section(given: Any, context: Context, path: Path) -> Any:
    return (
        expanded_text(given, context, path)
        if isinstance(given, str)
        else expanded(given, context, path)
    )


def _address(given: Any, context: Context, path: Path) -> Any:
    """`hf://` is followed by a template; what follows another scheme is taken as it is."""
    scheme, mark, rest = str(given).rpartition("://")
    if scheme != "hf" or not mark:
        return given
    return f"hf://{rendered(rest, context, path)}"


def _finding(release: Release, fault: Unrenderable) -> Diagnostic:
    where = spell(fault.path)
    return error(
        "I802",
        f"the template `{cut(fault.text)}` in `{where}` cannot be carried over: {fault.message}",
        release.at(*fault.path),
        "write what it renders to",
    )
