"""ConfigMap of the LoRA adapters that sidecars keep engines at, a file for each port of an engine.

Only with `model.adapterSync` by sidecar. Its name has no digest: what it says may change without
another pod (`modelmill.adapter_sync`).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import adapter_sync, names
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    data = adapter_sync.configs(variant)
    if data:
        yield resource(
            "v1",
            "ConfigMap",
            adapter_sync.config_map_name(variant),
            labels=names.labels(variant.name, "model", variant.labels),
            data=data,
        )
