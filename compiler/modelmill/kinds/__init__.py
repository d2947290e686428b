"""Emitted Kubernetes kinds, one module each.

A module's `emit` reads a variant and yields the objects of its kind, or none. It knows nothing of
overlays, files or other kinds' modules. The order here is the order in a kustomization.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Protocol, cast

from modelmill.kinds import (
    adapter_sync,
    backend_tls_policy,
    base_model,
    certificate,
    daemon_set,
    dashboard,
    deployment,
    destination_rule,
    endpoint_picker,
    external_secret,
    extra_objects,
    gcp_backend_policy,
    health_check_policy,
    horizontal_pod_autoscaler,
    http_route,
    inference_model_rewrite,
    inference_objective,
    inference_pool,
    job,
    leader_worker_set,
    llm_inference_service,
    mooncake_config,
    network_policy,
    persistent_volume_claim,
    pod_disruption_budget,
    pod_monitor,
    prometheus_rule,
    reference_grant,
    replica_set,
    resource_claim_template,
    scaled_object,
    scaling_rule,
    service,
    service_account,
    service_monitor,
    tokenizer_server,
)
from modelmill.model_uri import parse_uri
from modelmill.pods import pod_template
from modelmill.registries import images_in, images_of_pod, mirrored
from modelmill.resource import Resource
from modelmill.variant import Variant


class Kind(Protocol):
    def emit(self, variant: Variant) -> Iterable[Resource]: ...


MODULES: tuple[ModuleType, ...] = (
    service_account,
    external_secret,
    network_policy,
    certificate,
    persistent_volume_claim,
    job,
    daemon_set,
    resource_claim_template,
    mooncake_config,
    llm_inference_service,
    deployment,
    replica_set,
    leader_worker_set,
    service,
    pod_disruption_budget,
    endpoint_picker,
    tokenizer_server,
    inference_pool,
    inference_model_rewrite,
    inference_objective,
    destination_rule,
    health_check_policy,
    gcp_backend_policy,
    reference_grant,
    http_route,
    backend_tls_policy,
    base_model,
    adapter_sync,
    pod_monitor,
    service_monitor,
    prometheus_rule,
    dashboard,
    horizontal_pod_autoscaler,
    scaled_object,
    scaling_rule,
    extra_objects,
)
KINDS: tuple[Kind, ...] = tuple(cast(Kind, module) for module in MODULES)
MADE_BY_KSERVE: tuple[ModuleType, ...] = (
    deployment,
    leader_worker_set,
    service,
    endpoint_picker,
    tokenizer_server,
    inference_pool,
)
"""What its controller makes of an LLMInferenceService; the other kinds are emitted beside one."""
BESIDE_KSERVE: tuple[Kind, ...] = tuple(
    cast(Kind, module) for module in MODULES if module not in MADE_BY_KSERVE
)


def emit(variant: Variant) -> tuple[Resource, ...]:
    """All objects of a variant, in order of kind."""
    return mirrored(_written(variant), variant.pulls)


def images(variant: Variant) -> set[str]:
    """Every image that a variant's pods name, as people and the version set write it."""
    weights = variant.spec.model.uri if variant.kserve is not None else ""
    found = {parse_uri(weights, "").image} if weights.startswith("oci://") else set()
    for key, role in variant.roles.items():
        if role.dual_pods is not None:
            # Nothing but a patch in an annotation says what their engines' pods are.
            found.update(images_of_pod(pod_template(variant, key)["spec"]))
    return found.union(images_in(_written(variant)))


def _written(variant: Variant) -> tuple[Resource, ...]:
    """The objects with images as they are written; once, as several ask."""
    kinds = KINDS if variant.kserve is None else BESIDE_KSERVE

    def make() -> tuple[Resource, ...]:
        return tuple(resource for kind in kinds for resource in kind.emit(variant))

    return variant.once((variant, "objects"), make)
