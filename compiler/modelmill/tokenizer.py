"""The server that turns prompts into tokens for an endpoint picker: `vllm launch render`.

In: a variant whose scheduler has a `tokenizer`. Out: its container, the volumes that takes, and the
address the picker reaches it at. Command, port's name, probe: llm-d/llm-d-router, charts/routerlib.

It reads the tokenizer's files alone, so that weights on the hub are asked of the hub even where
engines have a cache: pickers run on nodes that may not reach it.
"""

from __future__ import annotations

from typing import Any

from modelmill import kserve_identity, model_volume
from modelmill.catalogues import engine_catalogue
from modelmill.containers import Manifest, container_fields, env_list, given, resources
from modelmill.engines.flags import render
from modelmill.model_uri import ModelUri, parse_uri
from modelmill.names import child_name
from modelmill.spec.picker import Tokenizer
from modelmill.variant import Variant

COMPONENT = "tokenizer"
CONTAINER = "vllm-render"
PORT_NAME = "render-http"
PORT = 8000
PORT_BESIDE_PREDICTOR = 8100
"""Past 8000, where the latency predictor learns, and any number of ports from which it predicts."""
TMP = {"name": "tokenizer-tmp", "mountPath": "/tmp"}
# The image runs as root, and knows this user (vllm-project/vllm, docker/Dockerfile).
USER = {"runAsUser": 2000, "runAsGroup": 0}
STARTUP = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 60}
READINESS = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
LIVENESS = {"periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 3}


def tokenizer_of(variant: Variant) -> Tokenizer | None:
    return variant.scheduler.tokenizer if variant.scheduler is not None else None


def is_beside(variant: Variant) -> bool:
    """Whether it runs in the picker's pods."""
    tokenizer = tokenizer_of(variant)
    return tokenizer is not None and not tokenizer.separate and variant.kserve is None


def name(variant: Variant) -> str:
    """Name of its Deployment and Service, where it has its own."""
    if variant.kserve is not None:
        return kserve_identity.tokenizer_name(variant.name)
    return child_name(variant.name, COMPONENT)


def port(variant: Variant) -> int:
    """Its port: the given one, or the first that is free in its pod."""
    scheduler, tokenizer = variant.scheduler, tokenizer_of(variant)
    assert scheduler is not None
    assert tokenizer is not None
    if tokenizer.port is not None:
        return tokenizer.port
    shares = scheduler.latency_predictor is not None and is_beside(variant)
    return PORT_BESIDE_PREDICTOR if shares else PORT


def url(variant: Variant) -> str:
    """Where the picker reaches it: in its own pod, or at a Service of its namespace."""
    tokenizer = tokenizer_of(variant)
    assert tokenizer is not None
    host = "localhost" if is_beside(variant) else name(variant)
    return f"http://{host}:{port(variant)}"


def weights(variant: Variant) -> ModelUri:
    """Where it finds the tokenizer's files."""
    return parse_uri(variant.spec.model.uri, variant.spec.model.mount_path)


def container(variant: Variant) -> Manifest:
    tokenizer, model, source = tokenizer_of(variant), variant.spec.model, weights(variant)
    assert tokenizer is not None
    flags: dict[str, Any] = {
        "port": port(variant),
        "served-model-name": model.name,
        "revision": model.revision if source.hub_name else None,
        **tokenizer.flags,
    }
    env = {
        **model_volume.env(model, source),
        "HOME": TMP["mountPath"],
        "USER": COMPONENT,
        **tokenizer.env,
    }
    own = tokenizer.container
    fields = container_fields(own)
    handler = {"path": "/health", "port": PORT_NAME, "scheme": "HTTP"}
    return {
        "name": (own and own.name) or CONTAINER,
        "image": variant.image("tokenizer", tokenizer.image),
        "command": ["vllm", "launch", "render"],
        "args": [source.argument, *render(engine_catalogue("vllm"), flags)],
        "env": env_list(env),
        "ports": [
            {"name": PORT_NAME, "containerPort": port(variant), "protocol": "TCP"},
            *fields.pop("ports", []),
        ],
        **given(resources=resources(tokenizer.resources)),
        **fields,
        "securityContext": {**USER, **fields["securityContext"]},
        "startupProbe": {"httpGet": handler, **STARTUP},
        "readinessProbe": {"httpGet": handler, **READINESS},
        "livenessProbe": {"httpGet": handler, **LIVENESS},
        "volumeMounts": [
            model_volume.mount(model, source),
            TMP,
            *fields.get("volumeMounts", []),
        ],
    }


def volumes(variant: Variant) -> list[Manifest]:
    """The volumes its mounts are of; scratch space for files from the hub."""
    source = weights(variant)
    scratch = {"name": model_volume.NAME, "emptyDir": {}}
    files = scratch if source.scheme == "hf" else model_volume.volume(variant.spec.model, source)
    return [files, {"name": TMP["name"], "emptyDir": {}}]
