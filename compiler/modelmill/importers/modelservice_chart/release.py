"""One release of the chart: its values with the defaults below, and the names that follow.

In: merged values, release name and namespace. Out: names, labels and what templates see. The rules
are those of the chart's named templates (llm-d-incubation/llm-d-modelservice, _helpers.tpl).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from modelmill.diagnostics import Span
from modelmill.importers.helm import Context, literal
from modelmill.importers.modelservice_chart.defaults import FORMER
from modelmill.importers.modelservice_chart.facts import Role
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

CHART = "llm-d-modelservice"
APP_VERSIONS = {"v0.4.12": "v0.4.0", "v0.2.16": "v0.2.0"}
LONGEST_FULL_NAME = 55
LONGEST_NAME = 63


class Release(NamedTuple):
    """What every part of the chart sees.

    values  the user's values over the chart's defaults, templates evaluated
    user    the user's values alone, as a tree: for spans, and for what was left unset
    """

    values: Mapping[str, Any]
    user: Node
    name: str
    namespace: str
    generation: str

    def get(self, *path: str | int) -> Any:
        """The value at `path`; None where there is none."""
        found: Any = self.values
        for segment in path:
            if isinstance(found, dict):
                found = found.get(segment)
            elif isinstance(found, list) and isinstance(segment, int) and segment < len(found):
                found = found[segment]
            else:
                return None
        return found

    def at(self, *path: str | int) -> Span:
        """The place of the value at `path`, or of the nearest key the user wrote above it."""
        found = self.user.nearest(*path)
        is_there = found.value is None or found is self.user.get(*path)
        return found.span if is_there else found.key_span

    def key_at(self, *path: str | int) -> Span:
        """The place of the key at `path`, or of the nearest the user wrote above it."""
        return self.user.nearest(*path).key_span

    def written(self, *path: str | int) -> bool:
        """Whether the user gave this value, and no null."""
        return self.user.get(*path) is not None


def is_former(release: Release) -> bool:
    return release.generation == FORMER


def full_name(release: Release) -> str:
    """The name every object's name begins with."""
    if release.get("fullnameOverride"):
        return _cut(str(release.get("fullnameOverride")), LONGEST_FULL_NAME)
    name = str(release.get("nameOverride") or CHART)
    whole = release.name if name in release.name else f"{release.name}-{name}"
    return _cut(whole, LONGEST_FULL_NAME)


def role_name(release: Release, role: Role) -> str:
    return f"{full_name(release)}-{role}"


def picker_name(release: Release) -> str:
    return f"{full_name(release)}-epp"


def service_account_name(release: Release) -> str:
    return str(release.get("serviceAccountOverride") or full_name(release))


def chart_labels(release: Release) -> dict[str, str]:
    """Labels that name the tool; the same on every object of the chart."""
    return {
        "helm.sh/chart": _cut(f"{CHART}-{release.generation}".replace("+", "_"), LONGEST_NAME),
        "app.kubernetes.io/version": APP_VERSIONS[release.generation],
        "app.kubernetes.io/managed-by": "Helm",
    }


def model_labels(release: Release) -> dict[str, Any]:
    """Labels of the model's pods, and of the pool that selects them."""
    if is_former(release):
        return {
            "llm-d.ai/inferenceServing": "true",
            "llm-d.ai/model": full_name(release),
        }
    return dict(release.get("modelArtifacts", "labels") or {})


def role_labels(release: Release, role: Role) -> dict[str, Any]:
    """A role's pod labels, which are its selector too."""
    return {**model_labels(release), "llm-d.ai/role": role}


def template_context(release: Release) -> Context:
    """What a template in the values sees. The cluster's own facts are left out on purpose."""
    data = {
        "Values": release.values,
        "Release": {
            "Name": release.name,
            "Namespace": release.namespace,
            "Service": "Helm",
            "IsInstall": True,
            "IsUpgrade": False,
            "Revision": 1,
        },
        "Chart": {
            "Name": CHART,
            "Version": release.generation,
            "AppVersion": APP_VERSIONS[release.generation],
            "Type": "application",
        },
    }
    return Context(data, {name: literal(text) for name, text in _named(release).items()})


def _named(release: Release) -> dict[str, str]:
    """The chart's templates that only hang on values and release, with what they render to."""
    roles: tuple[Role, ...] = ("decode", "prefill")
    labels = {f"{role}labels": _yaml(role_labels(release, role)) for role in roles}
    names = {f"{role}Name": role_name(release, role) for role in roles}
    own = {
        "name": _cut(str(release.get("nameOverride") or CHART), LONGEST_NAME),
        "fullname": full_name(release),
        "chart": chart_labels(release)["helm.sh/chart"],
        "labels": _yaml(chart_labels(release)),
        "pdlabels": _yaml(model_labels(release)),
        "pdServiceAccountName": service_account_name(release),
        "sanitizedModelName": _sanitized(release.name),
        **labels,
        **names,
        **(_former_names(release) if is_former(release) else {}),
    }
    found = {f"{CHART}.{name}": text for name, text in own.items()}
    found["common.names.fullname"] = _common_full_name(release)
    found["common.names.name"] = _cut(str(release.get("nameOverride") or CHART), LONGEST_NAME)
    found["common.names.namespace"] = str(release.get("namespaceOverride") or release.namespace)
    return found


def _former_names(release: Release) -> dict[str, str]:
    picker = picker_name(release)
    kinds = ("Name", "ServiceAccountName", "ServiceName", "RoleName", "ConfigName")
    return {
        **{f"epp{kind}": picker for kind in kinds},
        "inferencePoolName": str(
            release.get("routing", "inferencePool", "name") or full_name(release)
        ),
        "httpRouteName": full_name(release),
    }


def _common_full_name(release: Release) -> str:
    """Bitnami's rule, which cuts at 63 where the chart's own cuts at 55."""
    if release.get("fullnameOverride"):
        return _cut(str(release.get("fullnameOverride")), LONGEST_NAME)
    name = str(release.get("nameOverride") or CHART)
    whole = release.name if name in release.name else f"{release.name}-{name}"
    return _cut(whole, LONGEST_NAME)


def _sanitized(name: str) -> str:
    cleaned = re.sub(r"[^a-z0-9_.-]", "-", name.lower().strip())
    return cleaned.strip("-._").replace(".", "-")[:LONGEST_NAME]


def _yaml(value: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(value), sort_keys=False)).strip() if value else "{}"


def _cut(name: str, longest: int) -> str:
    return name[:longest].removesuffix("-")
