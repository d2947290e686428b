"""The engine's container of a role: command line, environment, ports, probes, resources, mounts.

In: a variant and a role's key. Out: a Container, and the volumes it needs. What the flags are,
`engines/` know; what pod it stands in, `pods`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from modelmill import adapters, kv_cache, model_volume, object_store, tls, tracing
from modelmill.catalogues import engine_catalogue
from modelmill.claims import claims_of, container_entries, has_claimed_accelerators
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    given,
    numbered,
    probes_of,
    resources,
    spelt_words,
)
from modelmill.engines import ENGINES, NO_KV_CACHE, EngineModule, Launch
from modelmill.engines.flags import in_shell, render
from modelmill.groups import group_of, ports_of
from modelmill.model_cache import weights_of
from modelmill.quantities import total
from modelmill.spec.role import Role
from modelmill.variant import Variant

ENGINE_CONTAINER = "modelserver"
REQUESTED_CONTAINER = "inference-server"
"""By which the controller of dual pods knows it (llm-d-fast-model-actuation, pkg/api)."""

# A cold load of 100 GB of weights takes tens of minutes: 15 s, then 120 tries of 30 s
# (llm-d guides/recipes/modelserver/base/single-host).
STARTUP = {
    "initialDelaySeconds": 15,
    "periodSeconds": 30,
    "timeoutSeconds": 5,
    "failureThreshold": 120,
}
IMAGE_PULL_SECONDS = 900
READINESS = {"periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 3}
LIVENESS = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
SIDES = ("requests", "limits")
# What a supervisor of several servers tells of all of them (vllm/entrypoints/openai/dp_supervisor).
SUPERVISOR = "supervisor"
SUPERVISOR_READINESS = "/readyz"
SUPERVISOR_LIVENESS = "/health"


def launch_of(variant: Variant, key: str) -> Launch:
    """What the role's engine must know to start."""
    role, model = variant.roles[key], variant.spec.model
    return Launch(
        role,
        variant.role_type(key),
        model.name,
        weights_of(variant),
        model.revision,
        variant.engine_port(key),
        None if variant.is_bare(key) else variant.spec.tracing,
        group_of(role),
        variant.is_worker,
        adapters.loaded(variant, key),
        adapter_sync=adapters.sync_of(variant, key),
        adapters_folder=adapters.folder(variant, key),
        kv_cache=kv_cache.told(variant, key),
        tls_path="" if variant.is_bare(key) else tls.certificate_path(variant),
    )


def kv_cache_env(variant: Variant, key: str) -> dict[str, Any]:
    """Variables that the engine needs for KV cache outside of its accelerator."""
    launch, role = launch_of(variant, key), variant.roles[key]
    assert role.engine is not None
    module, without = ENGINES[role.engine.type], launch._replace(kv_cache=NO_KV_CACHE)
    return {k: v for k, v in module.env(launch).items() if k not in module.env(without)}


def engine_container(variant: Variant, key: str, role: Role) -> Manifest:
    engine = role.engine
    assert engine is not None
    launch, bare = launch_of(variant, key), variant.is_bare(key)
    module = ENGINES[engine.type]
    fields = container_fields(role.container, bare=bare)
    mounts, own_mounts = _mounts(variant, key, role, launch, module), fields.get("volumeMounts", [])
    command, arguments = in_shell(
        list(engine.command) or _command(role, launch, module), _arguments(role, launch, module)
    )
    return {
        "name": container_name(role),
        "image": engine.image,
        **given(
            command=command,
            args=arguments,
            env=env_list(engine.env if bare else _env(variant, key, role, launch, module)),
            resources=_resources(variant, key, role, launch, module),
        ),
        **fields,
        **given(
            ports=[*_ports(variant, key, launch, module), *fields.get("ports", [])],
            # What runs has the mounts people wrote before the derived ones.
            volumeMounts=[*own_mounts, *mounts] if bare else [*mounts, *own_mounts],
        ),
        **_probes(variant, key, launch, module),
    }


def container_name(role: Role) -> str:
    if role.dual_pods is not None:
        return REQUESTED_CONTAINER
    return (role.container and role.container.name) or ENGINE_CONTAINER


def _command(role: Role, launch: Launch, module: EngineModule) -> list[str]:
    """The engine's own; none where people wrote the whole command line."""
    assert role.engine is not None
    return [] if role.engine.argv is not None else module.command(launch)


def _arguments(role: Role, launch: Launch, module: EngineModule) -> list[str]:
    engine = role.engine
    assert engine is not None
    if engine.argv is not None:
        return spelt_words(engine.argv)
    flags = {**module.flags(launch), **engine.args}
    return [*module.positional(launch), *render(engine_catalogue(engine.type), flags)]


def port_names(role: Role) -> list[str]:
    """Names of the ports on which an engine takes requests, in order of their numbers."""
    return numbered(ENGINE_CONTAINER, ports_of(role))


def _ports(variant: Variant, key: str, launch: Launch, module: EngineModule) -> list[Manifest]:
    if variant.is_bare(key):
        return []
    served = port_names(launch.role) if variant.serves(key) else []
    numbers = {name: launch.port + rank for rank, name in enumerate(served)}
    supervisor = module.supervisor_port(launch)
    if supervisor is not None:
        numbers[SUPERVISOR] = supervisor
    return [
        *({"name": n, "containerPort": at, "protocol": "TCP"} for n, at in numbers.items()),
        *module.ports(launch),
    ]


def _resources(
    variant: Variant, key: str, role: Role, launch: Launch, module: EngineModule
) -> Manifest:
    used = container_entries(claims_of(variant, key, role), role.resources)
    asked = resources(role.resources, _added(variant, key, role))
    if role.dual_pods is not None:
        asked = _without(asked, accelerator_request(variant, key))
    found = {**asked, **given(claims=used)}
    if not variant.is_bare(key):
        disk = given(**{"ephemeral-storage": _scratch(variant, key, launch, module)})
        asked = dict(sorted({**disk, **found.get("requests", {})}.items()))
        found |= given(requests=asked)
    return found


def _scratch(variant: Variant, key: str, launch: Launch, module: EngineModule) -> str | None:
    """What the pod takes of its node's disk, for weights and for KV cache."""
    model, taken = variant.spec.model, kv_cache.scratch(variant, key)
    if has_weights(variant, module):
        taken = [*model_volume.scratch(model, launch.weights).values(), *taken]
    return total(taken) if taken else None


def _added(variant: Variant, key: str, role: Role) -> dict[str, str]:
    """Accelerators that follow from the role. What runs keeps them on the one side they are on."""
    computed = accelerator_request(variant, key)
    own = role.resources
    if own is None or not variant.is_bare(key):
        return computed
    return {k: n for k, n in computed.items() if k not in own.limits and k not in own.requests}


def _without(asked: Manifest, names: Collection[str]) -> Manifest:
    """What is left where a requester holds the accelerators."""
    left = {
        side: {k: v for k, v in asked.get(side, {}).items() if k not in names} for side in SIDES
    }
    return given(**left)


def held_accelerators(variant: Variant, key: str) -> dict[str, str]:
    """The extended resource that one replica of the role takes, as `accelerator_request`, a number
    that is written before the computed one."""
    asked = resources(variant.roles[key].resources, accelerator_request(variant, key))
    return {name: asked["limits"][name] for name in accelerator_request(variant, key)}


def has_weights(variant: Variant, module: EngineModule) -> bool:
    """Whether the engine's container has the weights' volume."""
    return module.NEEDS_WEIGHTS and variant.spec.model.mounted and not weights_of(variant).url


def _streams(launch: Launch, module: EngineModule) -> bool:
    return module.NEEDS_WEIGHTS and bool(launch.weights.url)


def accelerator_request(variant: Variant, key: str) -> dict[str, str]:
    """The extended resource one pod asks for, by name; nothing on a CPU, or where it is claimed."""
    role = variant.roles[key]
    accelerator = role.accelerator
    if accelerator is None or accelerator.resource is None or has_claimed_accelerators(role):
        return {}
    return {accelerator.resource: str(variant.gpus(key))}


def _env(
    variant: Variant, key: str, role: Role, launch: Launch, module: EngineModule
) -> dict[str, Any]:
    """Derived variables first, so that people's own win and may refer to them by $(NAME)."""
    accelerator = role.accelerator
    assert role.engine is not None
    weights = has_weights(variant, module)
    return {
        **(model_volume.env(variant.spec.model, launch.weights) if weights else {}),
        **(object_store.streaming_env(variant.spec.model) if _streams(launch, module) else {}),
        **adapters.env(variant, key),
        **module.env(launch),
        **(accelerator.env if accelerator else {}),
        **tracing.env(variant, key),
        **role.engine.env,
    }


def _mounts(
    variant: Variant, key: str, role: Role, launch: Launch, module: EngineModule
) -> list[Manifest]:
    mounts = []
    if has_weights(variant, module):
        mounts.append(model_volume.mount(variant.spec.model, launch.weights))
    mounts += adapters.mounts(variant, key)
    mounts += kv_cache.mounts(variant, key)
    if not variant.is_bare(key):
        mounts += object_store.mounts(variant.spec.model) if _streams(launch, module) else []
        mounts += tls.mounts(variant)
    if role.shared_memory is not None:
        mounts.append({"name": "dshm", "mountPath": "/dev/shm"})
    return mounts


def engine_volumes(variant: Variant, key: str, role: Role) -> list[Manifest]:
    """The volumes that the container's derived mounts are of."""
    assert role.engine is not None
    volumes = []
    if has_weights(variant, ENGINES[role.engine.type]):
        volumes.append(model_volume.volume(variant.spec.model, launch_of(variant, key).weights))
    volumes += adapters.volumes(variant, key)
    volumes += kv_cache.volumes(variant, key)
    if not variant.is_bare(key):
        in_pod = weights_of(variant).scheme != "cache" or adapters.are_stored(variant, key)
        if ENGINES[role.engine.type].NEEDS_WEIGHTS and in_pod:
            volumes += object_store.volumes(variant.spec.model)
        volumes += tls.volumes(variant)
    if role.shared_memory is not None:
        memory = {"medium": "Memory", "sizeLimit": role.shared_memory}
        volumes.append({"name": "dshm", "emptyDir": memory})
    return volumes


def _probes(variant: Variant, key: str, launch: Launch, module: EngineModule) -> Manifest:
    """Probes of the container. A worker that takes no requests has no server to ask: it has only
    those that are written for workers."""
    role, bare = launch.role, variant.is_bare(key)
    if not variant.serves(key):
        return probes_of(role.worker.probes if role.worker else None, None, bare=bare)
    derived = None if bare else _derived_probes(launch, module, tls.scheme(variant).upper())
    return probes_of(role.probes, derived, bare=bare)


def _derived_probes(launch: Launch, module: EngineModule, scheme: str) -> dict[str, Manifest]:
    port, paths = ENGINE_CONTAINER, (module.READINESS_PATH, module.LIVENESS_PATH)
    if not module.READINESS_PATH:
        return {}
    if module.supervisor_port(launch) is not None:
        port, paths = SUPERVISOR, (SUPERVISOR_READINESS, SUPERVISOR_LIVENESS)
    ready, alive = ({"path": path, "port": port, "scheme": scheme} for path in paths)
    return {
        "startup": {"httpGet": ready, **STARTUP},
        "readiness": {"httpGet": ready, **READINESS},
        "liveness": {"httpGet": alive, **LIVENESS},
    }
