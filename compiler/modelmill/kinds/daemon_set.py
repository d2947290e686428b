"""DaemonSet that keeps a model's weights on every node its engines may run on.

Weights on the hub or in a bucket it fetches into a folder of the node; weights in an image it
mounts, so that the node has pulled the image and does not collect it. Its pods hold the engine's
image as well. It goes to the nodes of the roles' accelerators. A node that joins later is filled
then, and an engine that is there first waits (`model_cache`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelmill import cache_pods, model_cache, model_volume, names, object_store
from modelmill.containers import Manifest, container_fields, given, over
from modelmill.model_uri import ModelUri
from modelmill.names import child_name
from modelmill.resource import Resource, resource
from modelmill.spec.role import Role
from modelmill.variant import Variant

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
# The kubelet makes the folder for root; the rest is as restricted as any pod.
ROOT = {"runAsNonRoot": False, "runAsUser": 0}


def emit(variant: Variant) -> Iterable[Resource]:
    cache = model_cache.cache_of(variant)
    if cache is None or cache.node is None:
        return
    own = model_cache.download_of(variant).pod
    selector = names.selector(variant.name, model_cache.COMPONENT)
    labels = names.labels(variant.name, model_cache.COMPONENT, variant.labels)
    yield resource(
        "apps/v1",
        "DaemonSet",
        child_name(variant.name, "node-weights"),
        labels=labels,
        spec={
            "selector": {"matchLabels": selector},
            # They serve nothing: every node fetches at once.
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"},
            },
            "template": {
                "metadata": given(
                    labels={**(own.labels if own else {}), **labels},
                    annotations=dict(sorted(own.annotations.items())) if own else None,
                ),
                "spec": _pod(variant, selector),
            },
        },
    )


def _pod(variant: Variant, selector: dict[str, str]) -> Manifest:
    model, weights = variant.spec.model, model_cache.weights_of(variant)
    filled = weights.scheme == "cache"
    volumes = [model_volume.volume(model, weights)]
    fetching = [{"name": "tmp", "emptyDir": {}}, *object_store.volumes(model)]
    return cache_pods.filling_pod(
        variant,
        containers=[_holder(variant, weights)],
        init_containers=_downloads(variant) if filled else [],
        volumes=[*volumes, *fetching] if filled else volumes,
        selector=selector,
        tolerations=_tolerations(variant),
        affinity=_affinity(variant),
        security=ROOT if filled else None,
    )


def _downloads(variant: Variant) -> list[Manifest]:
    return [*cache_pods.store_container(variant), cache_pods.download_container(variant)]


def _holder(variant: Variant, weights: ModelUri) -> Manifest:
    """Keeps the pod, and with it the images on the node."""
    mount = {"name": model_volume.NAME, "mountPath": weights.mount, "readOnly": True}
    return {
        "name": "hold",
        "image": cache_pods.image(variant),
        "command": ["sleep", "infinity"],
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}},
        **container_fields(None),
        "volumeMounts": [mount],
    }


def _tolerations(variant: Variant) -> Manifest:
    found: dict[str, Any] = {}
    for role in model_cache.readers(variant).values():
        found |= dict(role.accelerator.tolerations) if role.accelerator else {}
        found |= dict(role.pod.tolerations) if role.pod else {}
    return found


def _affinity(variant: Variant) -> Manifest:
    """The nodes of any of the roles, or those of a node affinity that people wrote."""
    own = model_cache.download_of(variant).pod
    written = over({}, own.affinity if own else None)
    terms: list[Manifest] = []
    for role in model_cache.readers(variant).values():
        term = _term(role)
        if term not in terms:
            terms.append(term)
    if "nodeAffinity" in written or not all(terms):
        return written
    return over(written, {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}})


def _term(role: Role) -> Manifest:
    """The nodes of a role: those of its accelerator, and its node selector. Empty for any."""
    wanted: dict[str, list[str]] = {}
    if role.accelerator is not None:
        wanted |= {k: list(values) for k, values in role.accelerator.node_labels.items()}
    if role.pod is not None:
        wanted |= {key: [value] for key, value in role.pod.node_selector.items()}
    expressions = [{"key": k, "operator": "In", "values": each} for k, each in wanted.items()]
    return {"matchExpressions": expressions} if expressions else {}
