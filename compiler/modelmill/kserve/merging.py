"""How KServe lays one specification over another.

In: two specifications as Go marshals them (`typed`). Out: a third. A strategic merge whose patch is
what the upper one says: mappings merge, lists with a key merge by it, other lists and scalars
replace; nothing is ever taken away (pkg/controller/v1alpha2/llmisvc/config_merge.go, and
k8s.io/apimachinery/pkg/util/strategicpatch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Merge keys of lists, by the field they stand in: k8s.io/api/core/v1, PodSpec and Container.
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}


def merge(base: Any, override: Any, field: str = "") -> Any:
    """`override` laid over `base`."""
    if isinstance(base, dict) and isinstance(override, dict):
        merged = dict(base)
        for key, value in override.items():
            merged[key] = merge(base[key], value, key) if key in base else value
        return merged
    if isinstance(base, list) and isinstance(override, list) and _is_keyed(field, base, override):
        return _merge_lists(base, override, KEYS[field])
    return override


def _is_keyed(field: str, *lists: Sequence[Any]) -> bool:
    key = KEYS.get(field)
    return key is not None and all(
        isinstance(each, dict) and key in each for entries in lists for each in entries
    )


def _merge_lists(base: list[Any], override: list[Any], key: str) -> list[Any]:
    """Entries that the override names, in its order, and the others, in theirs; the two are drawn
    together by mergeSortedSlice, which lets new entries of the override come first."""
    known = {each[key]: each for each in base}
    named = {each[key]: merge(known[each[key]], each) if each[key] in known else each
             for each in override}  # fmt: skip
    order = {name: place for place, name in enumerate(known)}
    left = [name for name in known if name not in named]
    right = list(named)
    drawn: list[Any] = []
    while left and right:
        head, other = left[0], right[0]
        goes_first = other in order and order[head] < order[other]
        drawn.append(known[left.pop(0)] if goes_first else named[right.pop(0)])
    return [*drawn, *(known[name] for name in left), *(named[name] for name in right)]
