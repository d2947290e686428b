"""Emitted Kubernetes kinds, one module each.

A module's `emit` reads a variant and yields the objects of its kind, or none. It knows nothing of
overlays, files or other kinds' modules. The order here is the order in a kustomization.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Protocol, cast

from modelmill.model_uri import parse_uri
from modelmill.pods import pod_template
from modelmill.registries import KINDS, Pulls, images_in, images_of_pod, mirrored
from modelmill.relevant import KSERVE, Registry
from modelmill.resource import Resource
from modelmill.sharing import is_same, shared
from modelmill.variant import Variant


class Kind(Protocol):
    def emit(self, variant: Variant) -> Iterable[Resource]: ...


ROWS = {
    "service_account": "",
    "external_secret": "external_secrets",
    "network_policy": "network_policy",
    "certificate": "tls",
    "persistent_volume_claim": "cache",
    "job": "cache",
    "daemon_set": "cache",
    "resource_claim_template": "",
    "mooncake_config": "kv_cache_offloading",
    "llm_inference_service": KSERVE,
    "deployment": "",
    "replica_set": "dual_pods",
    "leader_worker_set": "worker",
    "service": "",
    "pod_disruption_budget": "pod_disruption_budget",
    "endpoint_picker": "scheduler",
    "tokenizer_server": "tokenizer",
    "inference_pool": "scheduler",
    "inference_model_rewrite": "rewrites",
    "inference_objective": "objectives",
    "destination_rule": "gateway",
    "health_check_policy": "gateway",
    "gcp_backend_policy": "gateway",
    "reference_grant": "gateway",
    "http_route": "gateway",
    "backend_tls_policy": "tls",
    "base_model": "match_model",
    "adapter_sync": "adapter_sync",
    "pod_monitor": "pod_monitor",
    "service_monitor": "monitor service_monitor",
    "prometheus_rule": "alerts",
    "dashboard": "dashboard",
    "horizontal_pod_autoscaler": "autoscaling",
    "scaled_object": "autoscaling",
    "scaling_rule": "autoscaling",
    "extra_objects": "extra_objects",
}
"""Kinds, and the fields without which none is emitted (`relevant`)."""
MADE_BY_KSERVE = (
    "deployment",
    "leader_worker_set",
    "service",
    "endpoint_picker",
    "tokenizer_server",
    "inference_pool",
)
"""What its controller makes of an LLMInferenceService; the other kinds are emitted beside one."""
_kinds = Registry(__name__, ROWS)
_beside_kserve = Registry(__name__, {n: r for n, r in ROWS.items() if n not in MADE_BY_KSERVE})


def emit(variant: Variant) -> tuple[Resource, ...]:
    """All objects of a variant, in order of kind."""
    written, pulls = _written(variant), variant.pulls
    if not pulls.registries and not pulls.digests:
        return written
    # One for environments with the same mirrors: digests are the repository's.
    mirrors = repr(sorted(pulls.registries.items()))
    return tuple(
        variant.once((mirrors, each), partial(_mirrored, each, pulls))
        if each.kind in KINDS
        else each
        for each in written
    )


def _mirrored(written: Resource, pulls: Pulls) -> Resource:
    (found,) = mirrored([written], pulls)
    return found


def images(variant: Variant) -> set[str]:
    """Every image that a variant's pods name, as people and the version set write it."""
    weights = variant.spec.model.uri if variant.kserve is not None else ""
    found = {parse_uri(weights, "").image} if weights.startswith("oci://") else set()
    for key, role in variant.roles.items():
        if role.dual_pods is not None:
            # Nothing but a patch in an annotation says what their engines' pods are.
            found.update(images_of_pod(pod_template(variant, key)["spec"]))
    return found.union(images_in(_written(variant)))


@shared()
def _written(variant: Variant) -> tuple[Resource, ...]:
    """The objects with images as they are written."""
    kinds = (_kinds if variant.kserve is None else _beside_kserve).of(variant)
    return tuple(
        _first_of(variant, each) for kind in kinds for each in cast(Kind, kind).emit(variant)
    )


def _first_of(variant: Variant, own: Resource) -> Resource:
    """The object that was first made of the model by this name, where it is the same down to the
    order of keys: what is one object is judged, compared and written once."""
    first: Resource = variant.first.made.setdefault(own.identity, own)
    return first if first is own or is_same(first.body, own.body) else own
