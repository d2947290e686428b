"""What is wrong with a role's containers.

In: a release. Out: errors for containers the chart refuses, and warnings for what it repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.importers.modelservice_chart.combining import repeated
from modelmill.importers.modelservice_chart.containers import bare, chart_environment
from modelmill.importers.modelservice_chart.facts import ROLES, Role
from modelmill.importers.modelservice_chart.release import Release
from modelmill.importers.modelservice_chart.weights import mount_path, mounts

COMMANDS = ("vllmServe", "imageDefault", "custom")


def errors(release: Release) -> Iterator[Diagnostic]:
    """Containers the chart cannot render."""
    for role in ROLES:
        if not release.get(role, "create"):
            continue
        names: set[str] = set()
        for at, given in enumerate(release.get(role, "containers") or []):
            yield from _refused(release, role, at, given)
            name = str(given.get("name") or "vllm")
            if name in names:
                message = f"two containers of {role} have the name `{name}`"
                span = release.at(role, "containers", at)
                yield error("I804", message, span, "give each its own `name`")
            names.add(name)


def _refused(release: Release, role: Role, at: int, given: dict[str, Any]) -> Iterator[Diagnostic]:
    span = release.at(role, "containers", at)
    name = given.get("name") or "vllm"
    if not given.get("image"):
        message = f"container `{name}` of {role} has no image"
        yield error("I804", message, span, "set `image`")
    elif "{{" in str(given["image"]):
        where = release.at(role, "containers", at, "image")
        message = f"the chart does not evaluate the template in the image of container `{name}`"
        yield error("I802", message, where, "write the image out")
    command = given.get("modelCommand") or "custom"
    if command not in COMMANDS:
        where = release.at(role, "containers", at, "modelCommand")
        message = f"`modelCommand` must be vllmServe, imageDefault or custom, not `{command}`"
        hint = did_you_mean(command, COMMANDS) or "write `custom` with `command` and `args`"
        yield error("I804", message, where, hint)
    elif command == "custom" and not given.get("command"):
        message = f"container `{name}` of {role} has `modelCommand: custom`, but no `command`"
        hint = "set `command`, or `modelCommand: imageDefault` for the image's own"
        yield error("I804", message, span, hint)
    for key, form in (("env", list), ("ports", list), ("extraConfig", dict)):
        value = given.get(key)
        wrong = value is not None and not isinstance(value, form)
        unnamed = key == "env" and not wrong and not all(map(_is_named, value or []))
        if wrong or unnamed:
            kind = "a mapping" if form is dict else "a list of mappings"
            message = f"`{key}` of container `{name}` must be {kind}"
            hint = "give every entry a `name`" if unnamed else ""
            yield error("I804", message, release.at(role, "containers", at, key), hint)


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


def findings(release: Release, role: Role) -> Iterator[Diagnostic]:
    """Names and keys that stand twice in a container."""
    for at, given in enumerate(release.get(role, "containers") or []):
        yield from _environment(release, role, at, given)
        yield from _extra(release, role, at, given)
        yield from _mounted(release, role, at, given)


def _environment(
    release: Release, role: Role, at: int, given: dict[str, Any]
) -> Iterator[Diagnostic]:
    chart = {each["name"]: each for each in chart_environment(release, role, given)}
    seen: set[str] = set()
    for entry_at, entry in enumerate(given.get("env") or []):
        name = entry["name"]
        span = release.at(role, "containers", at, "env", entry_at)
        if name in seen:
            message = f"`env` has `{name}` twice: the last one is taken over, as it runs"
            yield warning("I807", message, span, "keep one of them")
        elif name in chart:
            same = entry.get("value") == chart[name].get("value")
            wins = "both say the same" if same else "the chart's wins today, yours from now on"
            yield warning(
                "I807",
                f"`env` sets `{name}`, and the chart sets it a second time: {wins}; "
                "taken over once",
                span,
                "keep one of them: server-side apply refuses two; pods are replaced once",
            )
        seen.add(name)


def _extra(release: Release, role: Role, at: int, given: dict[str, Any]) -> Iterator[Diagnostic]:
    extra = given.get("extraConfig") or {}
    for key in repeated(bare(release, role, given), extra):
        yield warning(
            "I808",
            f"`extraConfig` sets `{key}` of container `{given.get('name') or 'vllm'}`, and the "
            "chart writes the key again, which drops yours: taken over as both in one",
            release.at(role, "containers", at, "extraConfig", key),
            f"set `{key}` in one place",
        )


def _mounted(release: Release, role: Role, at: int, given: dict[str, Any]) -> Iterator[Diagnostic]:
    own = [str(each.get("mountPath")) for each in given.get("volumeMounts") or []]
    if mounts(release, given) and mount_path(release) in own:
        yield warning(
            "I808",
            f"`volumeMounts` and the chart both mount something at {mount_path(release)}, which "
            "the API server refuses: yours is taken over",
            release.at(role, "containers", at, "volumeMounts"),
            "leave `mountModelVolume` or the mount out",
        )
