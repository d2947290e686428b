"""Fields of pods and workloads that are not of the form Kubernetes has them in.

In: a release, its templates evaluated. Out: an error for each such field: the chart hands it on as
it is, and the API server refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, error
from modelmill.dotted import spell
from modelmill.importers.helm import Path
from modelmill.importers.modelservice_chart.facts import ROLES
from modelmill.importers.modelservice_chart.release import Release

# Mappings of text to text or amounts, whose keys are the user's.
_PLAIN = frozenset(
    {"annotations", "limits", "matchLabels", "nodeSelector", "podAnnotations", "requests"}
)
_MAPPINGS = frozenset(
    {
        *("affinity", "labelSelector", "nodeAffinity", "podAffinity", "podAntiAffinity"),
        *("configMapKeyRef", "fieldRef", "resourceFieldRef", "secretKeyRef", "valueFrom"),
        *("exec", "grpc", "httpGet", "lifecycle", "postStart", "preStop", "tcpSocket"),
        *("livenessProbe", "readinessProbe", "startupProbe"),
        *("podSecurityContext", "resources", "rollingUpdate", "securityContext", "strategy"),
        "subGroupPolicy",
    }
)
_WORDS = frozenset({"args", "command"})
# Lists of mappings, by the keys that every entry has.
_ENTRIES: Mapping[str, tuple[str, ...]] = {
    "claims": ("name",),
    "containers": (),
    "env": ("name",),
    "envFrom": (),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "matchExpressions": ("key",),
    "nodeSelectorTerms": (),
    "ports": ("containerPort",),
    "resourceClaims": ("name",),
    "tolerations": (),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeMounts": ("mountPath", "name"),
    "volumes": ("name",),
}
_HINT = "write it as Kubernetes has it"


def errors(release: Release) -> Iterator[Diagnostic]:
    """Every field of the roles that are made whose form is another than Kubernetes has."""
    for role in ROLES:
        if release.get(role, "create"):
            for path, form in _misformed(release.get(role), (role,)):
                message = f"`{spell(path)}` must be {form}"
                yield error("I804", message, release.at(*path), _HINT)


def _misformed(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Places below a value, and what should stand there."""
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _misformed(each, (*path, at))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _field(str(key), each, (*path, key))


def _field(key: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if value is None:
        return
    if key in _PLAIN:
        yield from _plain(value, path)
    elif key in _MAPPINGS and not isinstance(value, dict):
        yield path, "a mapping"
    elif key in _WORDS and not _is_words(value):
        yield path, "a list of words"
    elif key in _ENTRIES and not isinstance(value, list):
        yield path, "a list of mappings"
    elif key in _ENTRIES:
        yield from _entries(value, _ENTRIES[key], path)
    elif key not in _WORDS:
        yield from _misformed(value, path)


def _plain(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, "a mapping"
        return
    for key, each in value.items():
        if isinstance(each, dict | list):
            yield (*path, key), "one value"


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and not any(
        each is None or isinstance(each, dict | list) for each in value
    )


def _entries(value: list[Any], needed: tuple[str, ...], path: Path) -> Iterator[tuple[Path, str]]:
    for at, each in enumerate(value):
        if not isinstance(each, dict):
            yield (*path, at), "a mapping"
            continue
        for key in needed:
            if each.get(key) is None:
                yield (*path, at), f"a mapping with `{key}`"
        for key in (*needed, "name"):
            if key != "containerPort" and not isinstance(each.get(key), str | None):
                yield (*path, at, key), "text, in quotes"
        if isinstance(each.get("value"), dict | list):
            yield (*path, at, "value"), "one value"
        yield from _misformed(each, (*path, at))
