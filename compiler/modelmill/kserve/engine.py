"""The engine's container of a workload of KServe.

In: a variant and a role's key. Out: the container `main`: what is written of it, and the words that
the start script of KServe's presets does not say itself.

The script evaluates its arguments with bash, so that each word is quoted for it. Where an engine
has a command of its own, the script is not run and nothing is left out.
"""

from __future__ import annotations

import shlex
from typing import Any

from modelmill import kv_cache, tracing
from modelmill.adapters import loaded
from modelmill.catalogues import engine_catalogue
from modelmill.claims import claims_of, container_entries
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    given,
    probes_of,
    resources,
)
from modelmill.engine_resources import accelerator_request
from modelmill.engines import ENGINES, NO_KV_CACHE, EngineModule, Launch, vllm_kv
from modelmill.engines.flags import in_shell, render
from modelmill.groups import SIMULATOR, group_of
from modelmill.kserve.offloading import is_declared
from modelmill.kserve.storage import fetched_bytes, has_weights, is_declared_adapters
from modelmill.kserve_identity import PORT
from modelmill.model_uri import ModelUri, parse_uri
from modelmill.quantities import total
from modelmill.spec.role import Role
from modelmill.variant import Variant

MAIN = "main"
WEIGHTS = "/mnt/models"
SCRIPTED = "vllm"
"""The engine that the presets' script starts."""
# Flags the script passes: of every pod, and of one in a group of data parallel ranks.
OF_SCRIPT = ("served-model-name", "port", "tensor-parallel-size")
OF_GROUP_SCRIPT = (
    "api-server-count",
    "data-parallel-size",
    "data-parallel-size-local",
    "data-parallel-address",
    "data-parallel-rpc-port",
    "data-parallel-start-rank",
    "enable-expert-parallel",
    "headless",
)
# Fields of `lora`, of which KServe makes these flags.
OF_ADAPTERS = ("enable-lora", "lora-modules", "max-lora-rank", "max-loras", "max-cpu-loras")
DETAIL = "collect-detailed-traces"
SIMULATOR_COMMAND = "/app/llm-d-inference-sim"
"""The entry point of its image, which the presets' would replace (llm-d-inference-sim, Dockerfile).
"""


def is_scripted(role: Role) -> bool:
    """Whether the presets' script starts the engine."""
    return role.engine is not None and role.engine.type == SCRIPTED and not role.engine.command


def launch_of(variant: Variant, key: str) -> Launch:
    """What the role's engine must know to start in a pod of KServe's."""
    role, model = variant.roles[key], variant.spec.model
    declared = is_declared(variant, key)
    return Launch(
        role,
        variant.role_type(key),
        model.name,
        weights_of(variant),
        None if model.mounted else model.revision,
        variant.engine_port(key),
        None,
        group_of(role),
        variant.is_worker,
        loaded(variant, key),
        kv_cache=NO_KV_CACHE if declared else kv_cache.told(variant, key)._replace(port=PORT),
    )


def weights_of(variant: Variant) -> ModelUri:
    """Where an engine finds its weights: KServe has one place for all."""
    model = variant.spec.model
    if has_weights(variant):
        return ModelUri("pvc", WEIGHTS)
    return parse_uri(model.uri, model.mount_path)


def flags_of(variant: Variant, key: str) -> dict[str, Any]:
    """The engine's flags by name, those left out that KServe passes itself."""
    role = variant.roles[key]
    engine = role.engine
    assert engine is not None
    derived = ENGINES[engine.type].flags(launch_of(variant, key))
    left_out = set(OF_ADAPTERS) if is_declared_adapters(variant) else set()
    if is_scripted(role):
        left_out |= {*OF_SCRIPT, *(OF_GROUP_SCRIPT if role.worker is not None else ())}
        asked = variant.spec.tracing.detail if variant.spec.tracing is not None else None
        derived |= given(**{DETAIL: asked})
    written = {
        name: value
        for name, value in engine.args.items()
        if not (is_declared_adapters(variant) and name in OF_ADAPTERS)
    }
    return {**{name: value for name, value in derived.items() if name not in left_out}, **written}


def adapter_limits(variant: Variant) -> Manifest:
    """How many adapters, and how large: as people wrote it among the flags, or as the adapters
    are."""
    for key, role in variant.roles.items():
        engine = role.engine
        if engine is not None and engine.argv is None:
            derived = ENGINES[engine.type].flags(launch_of(variant, key)).get("max-lora-rank")
            return given(
                maxRank=engine.args.get("max-lora-rank", derived),
                maxAdapters=engine.args.get("max-loras"),
                maxCpuAdapters=engine.args.get("max-cpu-loras"),
            )
    return {}


def container(variant: Variant, key: str) -> Manifest:
    """The container `main`. The presets mount shared memory."""
    role = variant.roles[key]
    engine = role.engine
    assert engine is not None
    launch, module = launch_of(variant, key), ENGINES[engine.type]
    fields = container_fields(role.container, bare=True)
    command, arguments = _words(variant, key, launch, module)
    tiers = [] if is_declared(variant, key) else kv_cache.mounts(variant, key)
    return {
        "name": MAIN,
        **given(
            image=engine.image or None,
            command=command,
            args=arguments,
            env=env_list(_env(variant, key, launch, module)),
            resources=_resources(variant, key),
        ),
        **fields,
        **given(
            ports=[*module.ports(launch), *fields.get("ports", [])],
            volumeMounts=[*tiers, *fields.get("volumeMounts", [])],
        ),
        **_probes(variant, key),
    }


def _probes(variant: Variant, key: str) -> Manifest:
    """What is written of probes. The schema wants a port of each that asks by HTTP."""
    found = probes_of(variant.roles[key].probes, None, bare=True)
    port = {"port": variant.engine_port(key)}
    return {
        name: {**probe, "httpGet": {**port, **probe["httpGet"]}} if "httpGet" in probe else probe
        for name, probe in found.items()
    }


def _words(
    variant: Variant, key: str, launch: Launch, module: EngineModule
) -> tuple[list[str], list[str]]:
    """Command and arguments."""
    role = variant.roles[key]
    engine = role.engine
    assert engine is not None
    if engine.argv is not None:
        own = [] if is_scripted(role) else command_of(launch, module)
        return list(engine.command) or own, [str(word) for word in engine.argv]
    words = render(engine_catalogue(engine.type), flags_of(variant, key))
    if is_scripted(role):
        return [], [quoted(word) for word in words]
    command = list(engine.command) or command_of(launch, module)
    return in_shell(command, [*module.positional(launch), *words])


def command_of(launch: Launch, module: EngineModule) -> list[str]:
    """What starts the engine. A container of KServe's always has a command: the presets'."""
    return [SIMULATOR_COMMAND] if module.NAME == SIMULATOR else module.command(launch)


def quoted(word: str) -> str:
    """A word as the script's shell must read it. Kubernetes puts $(NAME) in before."""
    return shlex.quote(word)


def _env(variant: Variant, key: str, launch: Launch, module: EngineModule) -> dict[str, Any]:
    """What transfers of KV cache need, the accelerator's variables, and people's own."""
    role = variant.roles[key]
    assert role.engine is not None
    needed = vllm_kv.env(launch) if role.engine.type == SCRIPTED else module.env(launch)
    service = variant.spec.tracing.service_names.get(key) if variant.spec.tracing else None
    named = {"OTEL_SERVICE_NAME": tracing.env(variant, key)["OTEL_SERVICE_NAME"]} if service else {}
    accelerator = role.accelerator
    return {
        **needed,
        **(accelerator.env if accelerator else {}),
        **named,
        **role.engine.env,
    }


def _resources(variant: Variant, key: str) -> Manifest:
    """What is asked for, with the room on the node's disk that weights and KV cache take."""
    role = variant.roles[key]
    asked = resources(role.resources, accelerator_request(variant, key))
    claims = container_entries(claims_of(variant, key, role), role.resources)
    tiers = [] if is_declared(variant, key) else kv_cache.scratch(variant, key)
    taken = [*tiers, *(each for each in (fetched_bytes(variant),) if each is not None)]
    disk = {"ephemeral-storage": total(taken)} if taken else {}
    requests = dict(sorted({**disk, **asked.get("requests", {})}.items()))
    return {**asked, **given(requests=requests, claims=claims)}
