"""When Argo CD takes an object for healthy, of kinds it knows nothing of itself.

In: namespaces of Argo CD. Out: a part of the ConfigMap argocd-cm of each, for server-side apply
beside what else stands in it. The Lua is data: data/health/<group>_<Kind>.lua.

Argo CD takes any object for healthy that it has no check for, so that waves would not wait for it
(argoproj/argo-cd, resource_customizations).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from modelmill.resource import Resource, resource

NAME = "argocd-cm"
PREFIX = "resource.customizations.health."
# Argo CD looks at no ConfigMap without it.
LABELS = {"app.kubernetes.io/part-of": "argocd"}
ENDING = ".lua"


def config_maps(namespaces: Iterable[str]) -> tuple[Resource, ...]:
    return tuple(
        resource("v1", "ConfigMap", NAME, namespace=each, labels=dict(LABELS), data=dict(checks()))
        for each in namespaces
    )


@cache
def checks() -> dict[str, str]:
    """The keys of the ConfigMap, and the Lua of each."""
    from pathlib import Path

    folder = Path(__file__).parents[1] / "data" / "health"
    found = sorted(folder.glob(f"*{ENDING}"), key=lambda each: each.name)
    return {PREFIX + each.stem: each.read_text("utf-8") for each in found}
