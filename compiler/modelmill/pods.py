"""A role as a pod template.

In: a variant and a role's key. Out: the `template` of a workload: engine container, routing
sidecar, volumes, placement. Kinds decide what workload the template goes into, engines what the
flags are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from modelmill import model_volume, names, sidecar
from modelmill.catalogues import engine_catalogue
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    given,
    over,
    pod_spec,
    probes_of,
    resources,
)
from modelmill.diagnostics import CompileError, error
from modelmill.engines import ENGINES, EngineModule, Launch
from modelmill.engines.flags import render
from modelmill.model_uri import parse_uri
from modelmill.record import EMPTY
from modelmill.spec.role import Role
from modelmill.variant import Variant

ENGINE_CONTAINER = "modelserver"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

# A cold load of 100 GB of weights takes tens of minutes: 15 s, then 120 tries of 30 s
# (llm-d guides/recipes/modelserver/base/single-host).
STARTUP = {
    "initialDelaySeconds": 15,
    "periodSeconds": 30,
    "timeoutSeconds": 5,
    "failureThreshold": 120,
}
READINESS = {"periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 3}
LIVENESS = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
# Fields of a role its pods are made of; the others are about how many there are.
POD_PARTS = (
    "engine",
    "accelerator",
    "parallelism",
    "resources",
    "shared_memory",
    "kv_transfer",
    "probes",
    "metadata",
    "pod",
    "container",
)
# Long answers take minutes to stream; the default of 30 s would cut them off.
GRACE_SECONDS = 130


def pod_template(variant: Variant, key: str) -> Manifest:
    """PodTemplateSpec of a role; one for environments that differ in nothing a pod is made of."""
    role, spec = variant.roles[key], variant.spec
    inputs = (
        "pod template",
        key,
        variant.role_type(key),
        f"{variant.routing.port} {variant.has_sidecar(key)}",
        spec.routing.sidecar if spec.routing else None,
        spec.model,
        config_hash(variant, key),
        *(getattr(role, part) for part in POD_PARTS),
    )
    return variant.once(inputs, partial(_pod_template, variant, key))


def _pod_template(variant: Variant, key: str) -> Manifest:
    role = variant.roles[key]
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
    return {
        "metadata": given(
            labels=names.labels(variant.name, key, pod_labels, role_labels(variant, key)),
            annotations=dict(sorted(annotations.items())),
        ),
        "spec": _pod_spec(variant, key, role),
    }


def role_labels(variant: Variant, key: str) -> dict[str, str]:
    """Labels by which pools, pickers and monitors tell a role's pods."""
    role = variant.roles[key]
    role_type = variant.role_type(key)
    found = {names.ROLE: role_type, names.SERVING: "true"}
    if role.engine is not None and role.engine.type == "sglang":
        found[names.ENGINE_TYPE] = "sglang"
    if role_type != "prefill":
        found[names.ENTRY] = "true"
    return found


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
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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


def launch_of(variant: Variant, key: str) -> Launch:
    """What the role's engine must know to start."""
    role, model = variant.roles[key], variant.spec.model
    uri = parse_uri(model.uri, model.mount_path)
    return Launch(
        role, variant.role_type(key), model.name, uri, model.revision, variant.engine_port(key)
    )


def _pod_spec(variant: Variant, key: str, role: Role) -> Manifest:
    accelerator = role.accelerator
    return pod_spec(
        role.pod,
        account=variant.name,
        uses_token=False,
        grace_seconds=GRACE_SECONDS,
        selector=names.selector(variant.name, key),
        containers=[_engine_container(variant, key, role)],
        init_containers=[sidecar.container(variant, key)] if variant.has_sidecar(key) else [],
        volumes=_volumes(variant, key, role),
        tolerations=accelerator.tolerations if accelerator else EMPTY,
        affinity=_affinity(variant, key),
    )


def _engine_container(variant: Variant, key: str, role: Role) -> Manifest:
    engine = role.engine
    assert engine is not None
    launch = launch_of(variant, key)
    module = ENGINES[engine.type]
    flags = {**module.flags(launch), **engine.args}
    words = [*module.positional(launch), *render(engine_catalogue(engine.type), flags)]
    command = list(engine.command) or module.command(launch)
    fields = container_fields(role.container)
    port = {"name": ENGINE_CONTAINER, "containerPort": launch.port, "protocol": "TCP"}
    return {
        "name": ENGINE_CONTAINER,
        "image": engine.image,
        **given(command=command),
        "args": words,
        **given(env=env_list(_env(variant, role, launch, module))),
        **given(resources=_resources(variant, key, launch, module)),
        **fields,
        "ports": [port, *module.ports(launch), *fields.get("ports", [])],
        **given(
            volumeMounts=[
                *_mounts(variant, role, launch, module),
                *fields.get("volumeMounts", []),
            ]
        ),
        **probes_of(role.probes, _derived_probes(module)),
    }


def _resources(variant: Variant, key: str, launch: Launch, module: EngineModule) -> Manifest:
    found = resources(variant.roles[key].resources, accelerator_request(variant, key))
    disk = model_volume.scratch(variant.spec.model, launch.weights) if module.NEEDS_WEIGHTS else {}
    if disk:
        found["requests"] = dict(sorted({**disk, **found.get("requests", {})}.items()))
    return found


def accelerator_request(variant: Variant, key: str) -> dict[str, str]:
    """The extended resource one pod asks for, by name; nothing on a CPU."""
    accelerator = variant.roles[key].accelerator
    if accelerator is None or accelerator.resource is None:
        return {}
    return {accelerator.resource: str(variant.gpus(key))}


def _env(variant: Variant, role: Role, launch: Launch, module: EngineModule) -> dict[str, Any]:
    """Derived variables first, so that people's own win and may refer to them by $(NAME)."""
    accelerator = role.accelerator
    assert role.engine is not None
    needed = model_volume.env(variant.spec.model, launch.weights) if module.NEEDS_WEIGHTS else {}
    return {
        **needed,
        **module.env(launch),
        **(accelerator.env if accelerator else {}),
        **role.engine.env,
    }


def _mounts(variant: Variant, role: Role, launch: Launch, module: EngineModule) -> list[Manifest]:
    mounts = (
        [model_volume.mount(variant.spec.model, launch.weights)] if module.NEEDS_WEIGHTS else []
    )
    if role.shared_memory is not None:
        mounts.append({"name": "dshm", "mountPath": "/dev/shm"})
    return mounts


def _volumes(variant: Variant, key: str, role: Role) -> list[Manifest]:
    assert role.engine is not None
    volumes = []
    if ENGINES[role.engine.type].NEEDS_WEIGHTS:
        volumes.append(model_volume.volume(variant.spec.model, launch_of(variant, key).weights))
    if role.shared_memory is not None:
        memory = {"medium": "Memory", "sizeLimit": role.shared_memory}
        volumes.append({"name": "dshm", "emptyDir": memory})
    return volumes


def _derived_probes(module: EngineModule) -> dict[str, Manifest]:
    ready = {"path": module.READINESS_PATH, "port": ENGINE_CONTAINER, "scheme": "HTTP"}
    alive = {"path": module.LIVENESS_PATH, "port": ENGINE_CONTAINER, "scheme": "HTTP"}
    return {
        "startup": {"httpGet": ready, **STARTUP},
        "readiness": {"httpGet": ready, **READINESS},
        "liveness": {"httpGet": alive, **LIVENESS},
    }


def _affinity(variant: Variant, key: str) -> Manifest:
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
