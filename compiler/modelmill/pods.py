"""A role as a pod template.

In: a variant and a role's key. Out: the `template` of a workload: containers, volumes, placement,
labels. Kinds decide what workload the template goes into.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modelmill import adapter_sync, adapters, model_cache, names, sidecar
from modelmill.claims import claims_of, pod_entries
from modelmill.containers import Manifest, given, over
from modelmill.diagnostics import CompileError, error
from modelmill.engine_container import (
    after_variables,
    command_line,
    engine_volumes,
    variables,
)
from modelmill.hashes import sha256
from modelmill.pod_specs import PodFrame, framed, pod_frame
from modelmill.record import EMPTY
from modelmill.sharing import INSIDE, OUTSIDE, SCALE, SECURITY, VARIABLES, shared
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

# Long answers take minutes to stream; the default of 30 s would cut them off.
GRACE_SECONDS = 130


class Still(NamedTuple):
    """A pod template but for the variables of its engine, in which environments differ most: its
    metadata, the engine's container up to its environment and after it, what is around the
    containers, and the init containers, None where these have variables of the engine's."""

    metadata: Manifest
    command_line: Manifest
    after: Manifest
    frame: PodFrame
    init_containers: list[Manifest] | None


@shared(*OUTSIDE, *SCALE)
def pod_template(variant: Variant, key: str) -> Manifest:
    """PodTemplateSpec of a role; one for environments that differ in nothing a pod is made of."""
    still = _still(variant, key)
    inits = still.init_containers
    if inits is None:
        inits = _init_containers(variant, key)
    engine = {**still.command_line, **given(env=variables(variant, key)), **still.after}
    return {"metadata": still.metadata, "spec": framed(still.frame, [engine], inits)}


@shared(*OUTSIDE, *SCALE, *VARIABLES)
def _still(variant: Variant, key: str) -> Still:
    fetched = model_cache.weights_of(variant).scheme == "fetched"
    fetches = fetched or any(each.is_downloaded for each in adapters.placed(variant, key))
    return Still(
        _metadata(variant, key),
        command_line(variant, key),
        after_variables(variant, key),
        _frame(variant, key),
        None if fetches else _init_containers(variant, key),
    )


@shared(*OUTSIDE, *INSIDE, *SECURITY)
def _metadata(variant: Variant, key: str) -> Manifest:
    role = variant.roles[key]
    if variant.is_bare(key):
        return _bare_metadata(variant, key, role)
    metadata = role.metadata
    pod_labels = {
        **variant.labels,
        **(metadata.labels if metadata else {}),
        **(role.pod.labels if role.pod else {}),
    }
    annotations = {
        **(metadata.annotations if metadata else {}),
        **(role.pod.annotations if role.pod else {}),
    }
    digest = config_hash(variant, key)
    if digest:
        annotations[names.CONFIG_HASH] = digest
    return given(
        labels={
            **names.labels(variant.name, key, pod_labels, role_labels(variant, key)),
            **variant.selector(key),
        },
        annotations=dict(sorted(annotations.items())),
    )


def _bare_metadata(variant: Variant, key: str, role: Role) -> Manifest:
    """A further label or annotation would replace every pod that runs. Workers that only work for
    their leader take no requests, and no selector of a group knows them."""
    labels = {**(role.pod.labels if role.pod else {}), **variant.selector(key)}
    if not variant.serves(key):
        labels.pop(names.SERVING, None)
    return given(
        labels=dict(sorted(labels.items())),
        annotations=dict(sorted(role.pod.annotations.items())) if role.pod else None,
    )


def role_labels(variant: Variant, key: str) -> dict[str, str]:
    """Labels by which pools, pickers and monitors tell a role's pods."""
    role = variant.roles[key]
    role_type = variant.role_type(key)
    found = {names.ROLE: role_type}
    if role.engine is not None and role.engine.type == "sglang":
        found[names.ENGINE_TYPE] = "sglang"
    if variant.serves(key):
        found[names.SERVING] = "true"
        if role_type != "prefill":
            found[names.ENTRY] = "true"
    return found


def workload_labels(variant: Variant, key: str) -> dict[str, str]:
    """Labels of the object a role's pods are in."""
    role = variant.roles[key]
    said = role.metadata.labels if role.metadata else {}
    if variant.is_bare(key):
        return {**dict(sorted(said.items())), names.MANAGED_BY: "modelmill"}
    labels = {**variant.labels, **said}
    own = names.labels(variant.name, key, labels, role_labels(variant, key))
    return {**own, **(role.selector or {})}


def config_hash(variant: Variant, key: str) -> str:
    """A digest of the extra ConfigMaps the role's pods read, whose change must restart them; ""
    where they read none."""
    if not variant.spec.extra_objects:
        return ""
    role = variant.roles[key]
    used = {
        *_config_maps(role.pod.volumes if role.pod else None),
        *_config_maps(role.container.env_from if role.container else None),
    }
    read = [
        body
        for body in variant.spec.extra_objects.values()
        if body.get("kind") == "ConfigMap" and body["metadata"]["name"] in used
    ]
    if not read:
        return ""
    text = json.dumps(read, sort_keys=True)
    return sha256(text)[:16]


def _config_maps(data: Any) -> Iterator[str]:
    """Names under `configMap` and `configMapRef`, at any depth: volumes, projections, envFrom."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key in ("configMap", "configMapRef") and isinstance(value, Mapping):
                yield str(value.get("name"))
            else:
                yield from _config_maps(value)
    elif isinstance(data, list | tuple):
        for each in data:
            yield from _config_maps(each)


def _init_containers(variant: Variant, key: str) -> list[Manifest]:
    return [
        *([sidecar.container(variant, key)] if variant.has_sidecar(key) else []),
        *model_cache.fetching(variant, key),
        *model_cache.waiting(variant, key),
        *adapters.download(variant, key),
        *adapter_sync.containers(variant, key),
    ]


@shared(*OUTSIDE, *INSIDE)
def _frame(variant: Variant, key: str) -> PodFrame:
    """The pod around its containers."""
    role, place = variant.roles[key], _place(variant, key)
    accelerator = role.accelerator
    return pod_frame(
        role.pod,
        account=variant.name,
        uses_token=False,
        grace_seconds=GRACE_SECONDS,
        selector=variant.selector(key),
        volumes=place.volumes,
        tolerations=accelerator.tolerations if accelerator else EMPTY,
        affinity=place.affinity,
        claims=pod_entries(claims_of(variant, key, role)),
        bare=variant.is_bare(key),
    )


class Place(NamedTuple):
    """Where pods are, and what is mounted in them."""

    volumes: list[Manifest]
    affinity: Manifest


@shared(*OUTSIDE, *INSIDE, *SECURITY)
def _place(variant: Variant, key: str) -> Place:
    volumes = engine_volumes(variant, key, variant.roles[key])
    return Place([*volumes, *adapter_sync.volumes(variant, key)], affinity(variant, key))


def affinity(variant: Variant, key: str) -> Manifest:
    """Node affinity to the accelerator's nodes; every term people wrote must meet it too."""
    role = variant.roles[key]
    accelerator, pod = role.accelerator, role.pod
    result = over({}, pod.affinity if pod else None)
    if accelerator is None or not accelerator.node_labels:
        return result
    wanted = [
        {"key": label, "operator": "In", "values": list(values)}
        for label, values in accelerator.node_labels.items()
    ]
    terms = _node_terms(result)
    if terms is None:
        span = variant.span_of("roles", key, "pod", "affinity", "nodeAffinity")
        raise CompileError([error("S402", f"`{REQUIRED}` must be a mapping with terms", span)])
    combined = [{**t, "matchExpressions": [*wanted, *t.get("matchExpressions", [])]} for t in terms]
    node = result.get("nodeAffinity") or {}
    result["nodeAffinity"] = over(node, {REQUIRED: {"nodeSelectorTerms": combined}})
    return result


def _node_terms(affinity: Manifest) -> list[Manifest] | None:
    """The terms of a required node affinity, one empty one if there is none; None if it is not
    of the form that Kubernetes wants."""
    node = affinity.get("nodeAffinity") or {}
    rule = (node.get(REQUIRED) or {}) if isinstance(node, dict) else None
    terms = (rule.get("nodeSelectorTerms") or [{}]) if isinstance(rule, dict) else None
    if not isinstance(terms, list):
        return None
    fits = [isinstance(t, dict) and isinstance(t.get("matchExpressions", []), list) for t in terms]
    return terms if all(fits) else None
