"""The schemas of custom resources that ship, as files of a repository: what it is validated by then
changes when the repository says so, not with modelmill's version.

In: nothing. Out: texts by file name, which `crds` reads. Each holds what validation needs of a
CustomResourceDefinition; it is not one to apply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelmill.validation.schemas import Kind, custom_kinds


def vendored() -> Mapping[str, str]:
    """One file for each kind of a group, with all versions of it."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for name, entry in custom_kinds().items():
        kind = Kind(*name.split(" "))
        known.setdefault((kind.group, kind.kind), {})[kind.api_version.rpartition("/")[2]] = entry
    return {
        f"{group}_{kind.lower()}.json": _text(group, kind, versions)
        for (group, kind), versions in sorted(known.items())
    }


def _text(group: str, kind: str, versions: Mapping[str, Any]) -> str:
    (scope,) = {entry["scope"] for entry in versions.values()}
    served = [
        {"name": name, "served": True, "schema": {"openAPIV3Schema": entry["schema"]}}
        for name, entry in sorted(versions.items())
    ]
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"group": group, "names": {"kind": kind}, "scope": scope, "versions": served},
    }
    return json.dumps(body, indent=1) + "\n"
