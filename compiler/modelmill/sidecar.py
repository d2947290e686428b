"""The routing sidecar in front of a decode engine (llm-d/llm-d-router, pkg/sidecar).

In: a variant and a role's key. Out: a native sidecar: an init container that keeps running. What
its flags are called is the version set's.
"""

from __future__ import annotations

from typing import Any

from modelmill import tls, tracing
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    flag_words,
    given,
    numbered,
    over,
    resources,
    spelt_words,
)
from modelmill.engines import ENGINES
from modelmill.engines.vllm_kv import BOOTSTRAP, BOOTSTRAP_PORT
from modelmill.groups import ports_of
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.pod import EnvSource
from modelmill.variant import Variant

NAME = "routing-proxy"
BOOTSTRAP_FLAG = "mooncake-bootstrap-port"


@shared(*OUTSIDE, *INSIDE, *PODS)
def container(variant: Variant, key: str) -> Manifest:
    """The sidecar of a role that has one."""
    sidecar = variant.sidecar
    bare, own = variant.is_bare(key), sidecar.container
    fields = container_fields(own, bare=bare)
    ports = [
        {"name": name, "containerPort": variant.routing.port + rank, "protocol": "TCP"}
        for rank, name in enumerate(numbered("http", ports_of(variant.roles[key])))
    ]
    mounts = [*([] if bare else tls.mounts(variant)), *fields.pop("volumeMounts", [])]
    security, asked = fields.pop("securityContext", {}), own.security_context if own else None
    read_only = {"readOnlyRootFilesystem": True}
    return {
        "name": (own and own.name) or NAME,
        "image": variant.image("routingSidecar", sidecar.image),
        "args": spelt_words(sidecar.argv) or flag_words(_flags(variant, key)),
        **given(env=env_list(_env(variant, bare=bare)), resources=resources(sidecar.resources)),
        **given(ports=[*([] if bare else ports), *fields.pop("ports", [])]),
        "restartPolicy": "Always",
        **fields,
        **given(volumeMounts=mounts),
        **given(securityContext=security if bare else {**security, **over(read_only, asked)}),
    }


def _env(variant: Variant, *, bare: bool) -> dict[str, Any]:
    return {**({} if bare else tracing.env(variant, NAME)), **variant.sidecar.env}


def bootstrap_port(variant: Variant) -> str | None:
    """Port at which the sidecar asks prefill pods for Mooncake's ranks: the one they listen at."""
    for key, role in variant.roles.items():
        if variant.role_type(key) == "prefill" and role.engine is not None:
            value = role.engine.env.get(BOOTSTRAP, BOOTSTRAP_PORT)
            return None if value is None or isinstance(value, EnvSource) else str(value)
    return None


def _flags(variant: Variant, key: str) -> dict[str, Any]:
    role, sidecar = variant.roles[key], variant.sidecar
    assert role.engine is not None
    spelling = variant.versions.sidecar
    flags: dict[str, Any] = {
        spelling["portFlag"]: variant.routing.port,
        spelling["modelServerPortFlag"]: sidecar.model_server_port,
        **tls.sidecar_flags(variant),
    }
    ports = ports_of(role)
    if ports > 1:
        # It listens on as many ports as the engine behind it, one a rank.
        flags[spelling["dataParallelSizeFlag"]] = ports
    if role.kv_transfer is not None:
        connectors = ENGINES[role.engine.type].SIDECAR_CONNECTORS
        connector = connectors[role.kv_transfer.connector]
        flags[spelling["connectorFlag"]] = connector
        if connector == "mooncake":
            flags[BOOTSTRAP_FLAG] = bootstrap_port(variant)
    if not variant.is_bare(key):
        flags.update(tracing.flags(variant, "routingSidecar"))
    flags.update(sorted(sidecar.flags.items()))
    return flags
