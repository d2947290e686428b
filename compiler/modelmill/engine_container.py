"""The engine's container of a role: command line, environment, ports, probes, resources, mounts.

In: a variant and a role's key. Out: a Container, and the volumes it needs. What the flags are,
`engines/` know; what pod it stands in, `pods`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from modelmill import adapters, kv_cache, model_volume, object_store, tls, tracing
from modelmill.catalogues import engine_catalogue
from modelmill.containers import (
    Manifest,
    container_fields,
    env_items,
    env_listed,
    given,
    numbered,
    probes_of,
    spelt_words,
)
from modelmill.engine_resources import has_weights, resources_of
from modelmill.engines import ENGINES, NO_KV_CACHE, EngineModule, Launch
from modelmill.engines.flags import in_shell, render
from modelmill.groups import group_of, ports_of
from modelmill.model_cache import weights_of
from modelmill.sharing import FLAGS, INSIDE, OUTSIDE, PODS, SCALE, SIZES, VARIABLES, shared
from modelmill.spec.pod import Probes
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple
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
# What a supervisor of several servers tells of all of them (vllm/entrypoints/openai/dp_supervisor).
SUPERVISOR = "supervisor"
SUPERVISOR_READINESS = "/readyz"
SUPERVISOR_LIVENESS = "/health"


@shared()
def launch_of(variant: Variant, key: str) -> Launch:
    """What the role's engine must know to start."""
    return Launch(variant.roles[key], *_told(variant, key))


@shared(*OUTSIDE, *INSIDE, *PODS)
def _told(variant: Variant, key: str) -> tuple[Any, ...]:
    """What a launch holds beside the role."""
    role, model = variant.roles[key], variant.spec.model
    _, *told = Launch(
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
    return tuple(told)


def kv_cache_env(variant: Variant, key: str) -> dict[str, Any]:
    """Variables that the engine needs for KV cache outside of its accelerator."""
    launch, role = launch_of(variant, key), variant.roles[key]
    assert role.engine is not None
    module, without = ENGINES[role.engine.type], launch._replace(kv_cache=NO_KV_CACHE)
    return {k: v for k, v in module.env(launch).items() if k not in module.env(without)}


def command_line(variant: Variant, key: str) -> Manifest:
    """The container up to its environment."""
    return {"name": container_name(variant.roles[key]), **_command_line(variant, key)}


@shared(*OUTSIDE, *SCALE, *VARIABLES, *SIZES, *PODS)
def _command_line(variant: Variant, key: str) -> Manifest:
    role = variant.roles[key]
    engine = role.engine
    assert engine is not None
    launch, module = launch_of(variant, key), ENGINES[engine.type]
    command, arguments = in_shell(
        list(engine.command) or _command(role, launch, module), _arguments(role, launch, module)
    )
    return {"image": engine.image, **given(command=command, args=arguments)}


@shared(*OUTSIDE, *SCALE, *VARIABLES, *FLAGS)
def after_variables(variant: Variant, key: str) -> Manifest:
    """The container's fields after its environment."""
    role, bare, derived = variant.roles[key], variant.is_bare(key), _derived(variant, key)
    assert role.engine is not None
    launch, module = launch_of(variant, key), ENGINES[role.engine.type]
    fields = container_fields(role.container, bare=bare)
    ports, mounts = fields.get("ports"), fields.get("volumeMounts")
    if mounts:
        # What runs has the mounts people wrote before the derived ones.
        mounts = [*mounts, *derived.mounts] if bare else [*derived.mounts, *mounts]
    return {
        **given(resources=resources_of(variant, key, launch, module)),
        **fields,
        **given(
            ports=[*derived.ports, *ports] if ports else derived.ports,
            volumeMounts=mounts or derived.mounts,
        ),
        **derived.probes,
    }


class Derived(NamedTuple):
    """Fields of the container that follow from what its engine is."""

    ports: list[Manifest]
    mounts: list[Manifest]
    probes: Manifest


@shared(*OUTSIDE, *INSIDE, *PODS)
def _derived(variant: Variant, key: str) -> Derived:
    role = variant.roles[key]
    assert role.engine is not None
    launch, module = launch_of(variant, key), ENGINES[role.engine.type]
    return Derived(
        _ports(variant, key, launch, module),
        _mounts(variant, key, role, launch, module),
        _probes(variant, key, launch, module),
    )


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


def _streams(launch: Launch, module: EngineModule) -> bool:
    return module.NEEDS_WEIGHTS and bool(launch.weights.url)


def variables(variant: Variant, key: str) -> list[Manifest]:
    """The container's environment: derived variables first, so that people's own win and may refer
    to them by $(NAME)."""
    engine = variant.roles[key].engine
    assert engine is not None
    own = env_items(engine.env)
    return env_listed(own if variant.is_bare(key) else {**_derived_env(variant, key), **own})


@shared(*OUTSIDE, *INSIDE, *PODS)
def _derived_env(variant: Variant, key: str) -> dict[str, Manifest | None]:
    role = variant.roles[key]
    accelerator = role.accelerator
    assert role.engine is not None
    launch, module = launch_of(variant, key), ENGINES[role.engine.type]
    weights = has_weights(variant, module)
    derived = {
        **(model_volume.env(variant.spec.model, launch.weights) if weights else {}),
        **(object_store.streaming_env(variant.spec.model) if _streams(launch, module) else {}),
        **adapters.env(variant, key),
        **module.env(launch),
        **(accelerator.env if accelerator else {}),
        **tracing.env(variant, key),
    }
    return env_items(derived)


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
    if bare or not module.READINESS_PATH:
        return probes_of(role.probes, None, bare=bare)
    port, paths = ENGINE_CONTAINER, (module.READINESS_PATH, module.LIVENESS_PATH)
    if module.supervisor_port(launch) is not None:
        port, paths = SUPERVISOR, (SUPERVISOR_READINESS, SUPERVISOR_LIVENESS)
    return _over_derived(role.probes, port, *paths, tls.scheme(variant).upper())


@lru_cache(maxsize=256)
def _over_derived(said: Probes | None, port: str, ready: str, alive: str, scheme: str) -> Manifest:
    """What is said over the derived probes, which most models say by the same presets."""
    asked = {"path": ready, "port": port, "scheme": scheme}
    derived = {
        "startup": {"httpGet": asked, **STARTUP},
        "readiness": {"httpGet": asked, **READINESS},
        "liveness": {"httpGet": {**asked, "path": alive}, **LIVENESS},
    }
    return probes_of(said, derived)
