"""Whether two specifications of a service mean the same.

In: what was given and what was made of it. Out: every place where they differ. What the API server
fills in counts as said; lists with a key are compared by it, flags of a server by name.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill import gotypes
from modelmill.importers.llmisvc.reading import vocabulary
from modelmill.kserve.merging import KEYS
from modelmill.tree import plant
from modelmill.tuples import NamedTuple

Path = tuple[str | int, ...]
_SETS = frozenset({"tolerations", "adapters"})
# What the CRDs of v1alpha2, the Gateway API and InferencePool default to, by the field they are in.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "scaling": {"minReplicas": 1},
    "wva": {"variantCost": "10.0"},
    "kvCacheOffloading": {"evictionPolicy": "lru"},
    "parentRefs": {"group": "gateway.networking.k8s.io", "kind": "Gateway"},
    "backendRefs": {"group": "", "kind": "Service", "weight": 1},
    "matches": {"path": {"type": "PathPrefix", "value": "/"}},
    "headers": {"type": "Exact"},
    "endpointPickerRef": {"group": "", "kind": "Service", "failureMode": "FailClose"},
    "ports": {"protocol": "TCP"},
}


class Difference(NamedTuple):
    """A place, what stands there and what would; None where nothing does."""

    path: Path
    was: Any
    now: Any


def marshalled(spec: Any) -> Any:
    """A specification as Go marshals it: quantities in one form, without what is empty."""
    node = plant(spec, ("", 1, 1, 1))
    return gotypes.decode(node, "LLMInferenceServiceSpec", vocabulary(), zeros=False).value or {}


def differences(given: Any, made: Any) -> list[Difference]:
    """Of two specifications, marshalled."""
    return list(_between((), settled(given), settled(made)))


def settled(spec: Any) -> Any:
    """The one form of all that mean the same."""
    found = dict(_settled(spec, ""))
    if found.get("storageInitializer") in ({"enabled": True}, {}):
        del found["storageInitializer"]
    return found


def _settled(value: Any, field: str) -> Any:
    if isinstance(value, Mapping):
        whole = {**_DEFAULTS.get(field, {}), **value}
        found = {key: _settled(each, key) for key, each in whole.items()}
        if "args" in found and found.get("name") == "main" and "command" not in found:
            found["args"] = flags(value["args"])
        return {key: each for key, each in found.items() if each != []}
    if not isinstance(value, list):
        return value
    items = [_settled(each, field) for each in value]
    key = KEYS.get(field)
    names = [each.get(key) if isinstance(each, dict) else None for each in items] if key else []
    if names and all(names) and len(set(names)) == len(names):
        return dict(zip(map(str, names), items, strict=True))
    return sorted(items, key=repr) if field in _SETS else items


def reworded(given: Any, made: Any) -> list[Path]:
    """Where flags that are the same are written in other words."""
    pods = (("template",), ("worker",), ("prefill", "template"), ("prefill", "worker"))
    return [
        path
        for place in pods
        for path, words in _args(given, place).items()
        if words not in _args(made, place).values()
    ]


def _args(spec: Any, place: Path) -> dict[Path, Any]:
    """The arguments of the engine in a pod, by their path."""
    path = (*place, "containers")
    for key in path:
        spec = spec.get(key) if isinstance(spec, Mapping) else None
    return {
        (*path, number, "args"): each.get("args")
        for number, each in enumerate(spec or [])
        if each.get("name") == "main"
    }


def flags(words: Sequence[Any]) -> list[str]:
    """The arguments of KServe's script, which reads them once more, as flags in one order."""
    joined = " ".join(map(str, words))
    try:
        split = shlex.split(joined)
    except ValueError:
        return [joined]
    found: list[str] = []
    for word in split:
        if word.startswith("--") or not found:
            found.append(word)
        else:
            found[-1] += f" {word}" if "=" in found[-1] else f"={word}"
    return sorted(found)


def _between(path: Path, was: Any, now: Any) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            yield from _between((*path, key), was.get(key), now.get(key))
    elif was != now or type(was) is not type(now):
        yield Difference(path, was, now)
