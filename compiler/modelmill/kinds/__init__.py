"""Emitted Kubernetes kinds, one module each.

A module's `emit` reads a variant and yields the objects of its kind, or none. It knows nothing of
overlays, files or other kinds' modules. The order here is the order in a kustomization.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Protocol, cast

from modelmill.kinds import (
    base_model,
    daemon_set,
    deployment,
    endpoint_picker,
    extra_objects,
    http_route,
    inference_model_rewrite,
    inference_pool,
    job,
    leader_worker_set,
    persistent_volume_claim,
    pod_disruption_budget,
    pod_monitor,
    replica_set,
    resource_claim_template,
    service,
    service_account,
)
from modelmill.registries import mirrored
from modelmill.resource import Resource
from modelmill.variant import Variant


class Kind(Protocol):
    def emit(self, variant: Variant) -> Iterable[Resource]: ...


MODULES: tuple[ModuleType, ...] = (
    service_account,
    persistent_volume_claim,
    job,
    daemon_set,
    resource_claim_template,
    deployment,
    replica_set,
    leader_worker_set,
    service,
    pod_disruption_budget,
    endpoint_picker,
    inference_pool,
    inference_model_rewrite,
    http_route,
    base_model,
    pod_monitor,
    extra_objects,
)
KINDS: tuple[Kind, ...] = tuple(cast(Kind, module) for module in MODULES)


def emit(variant: Variant) -> tuple[Resource, ...]:
    """All objects of a variant, in order of kind."""
    emitted = (resource for kind in KINDS for resource in kind.emit(variant))
    return mirrored(emitted, variant.registries)
