"""The sidecar that keeps an engine's LoRA adapters as a ConfigMap wants them.

In: a variant. Out: what the ConfigMap says, and the native sidecars that read it. The kubelet
changes the mounted file when the ConfigMap changes, so the pod's template says nothing of adapters:
no digest, and no subPath, of which a running pod sees no change.

Upstream: kubernetes-sigs/gateway-api-inference-extension v1.4, tools/dynamic-lora-sidecar. A
sidecar loads what is wanted and is not there; it unloads nothing, and loads no name a second time.
It talks to one port, so that a pod whose ranks have ports of their own has a sidecar for each.
"""

from __future__ import annotations

from modelmill import adapters
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    flag_words,
    given,
    numbered,
    resources,
)
from modelmill.groups import ports_of
from modelmill.names import child_name
from modelmill.variant import Variant
from modelmill.yamltext import dump

NAME = "adapter-sync"
VOLUME = "wanted-adapters"
MOUNT = "/config"
COMMAND = ["python", "sidecar.py"]
METRICS_PORT = 8080
"""Of the first sidecar in a pod; those beside it have the next ones."""


def is_on(variant: Variant, key: str) -> bool:
    """Whether pods of the role that serve have the sidecar."""
    alone = variant.is_bare(key) or variant.roles[key].dual_pods is not None
    return adapters.sync_of(variant, key) == "sidecar" and not alone


def ports(variant: Variant, key: str) -> list[int]:
    """The ports of the role's engine, one a rank that has its own."""
    return [variant.engine_port(key) + rank for rank in range(ports_of(variant.roles[key]))]


def config_map_name(variant: Variant) -> str:
    return child_name(variant.name, "adapters")


def configs(variant: Variant) -> dict[str, str]:
    """What sidecars read, by file: the adapters that the server on a port shall have."""
    found = {}
    for key in variant.roles:
        if is_on(variant, key):
            found.update({_file(port): _config(variant, key, port) for port in ports(variant, key)})
    return dict(sorted(found.items()))


def _file(port: int) -> str:
    return f"{port}.yaml"


def _config(variant: Variant, key: str, port: int) -> str:
    models = [
        {"id": each.name, "source": each.path, "base-model": each.base_model}
        for each in adapters.loaded(variant, key)
    ]
    wanted = {
        "name": variant.name,
        "host": "localhost",
        "port": port,
        "defaultBaseModel": variant.spec.model.name,
        "ensureExist": {"models": models},
    }
    return dump({"vLLMLoRAConfig": wanted})


def containers(variant: Variant, key: str) -> list[Manifest]:
    """Native sidecars of a pod of the role: they stop after the engine, and do not hold back its
    start."""
    if not is_on(variant, key) or not variant.serves(key):
        return []
    listened = ports(variant, key)
    return [
        _container(variant, name, port, None if rank == 0 else METRICS_PORT + rank)
        for rank, (name, port) in enumerate(
            zip(numbered(NAME, len(listened)), listened, strict=True)
        )
    ]


def _container(variant: Variant, name: str, port: int, metrics_port: int | None) -> Manifest:
    sync = variant.spec.model.adapter_sync
    assert sync is not None
    flags = {
        "config": f"{MOUNT}/{_file(port)}",
        "reconcile-trigger": sync.reconcile_trigger,
        "health-check-timeout": sync.health_check_timeout,
        "metrics-port": metrics_port,
    }
    return {
        "name": name,
        "image": sync.image or "",
        "command": COMMAND,
        "args": flag_words(flags),
        **given(env=env_list(sync.env), resources=resources(sync.resources)),
        "restartPolicy": "Always",
        **container_fields(None),
        "volumeMounts": [{"name": VOLUME, "mountPath": MOUNT, "readOnly": True}],
    }


def volumes(variant: Variant, key: str) -> list[Manifest]:
    if not is_on(variant, key) or not variant.serves(key):
        return []
    return [{"name": VOLUME, "configMap": {"name": config_map_name(variant)}}]
