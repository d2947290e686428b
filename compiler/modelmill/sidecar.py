"""The routing sidecar in front of a decode engine (llm-d/llm-d-router, pkg/sidecar).

In: a variant and a role's key. Out: a native sidecar: an init container that keeps running. What
its flags are called is the version set's.
"""

from __future__ import annotations

from typing import Any

from modelmill.containers import (
    RESTRICTED_CONTAINER,
    Manifest,
    env_list,
    flag_words,
    given,
    over,
    resources,
)
from modelmill.engines import ENGINES
from modelmill.variant import Variant

NAME = "routing-proxy"


def container(variant: Variant, key: str) -> Manifest:
    """The sidecar of a role that has one."""
    role, sidecar = variant.roles[key], variant.sidecar
    assert role.engine is not None
    spelling = variant.versions.sidecar
    flags: dict[str, Any] = {
        spelling["portFlag"]: variant.routing.port,
        spelling["modelServerPortFlag"]: sidecar.model_server_port,
        "secure-proxy": False,
    }
    if role.kv_transfer is not None:
        connectors = ENGINES[role.engine.type].SIDECAR_CONNECTORS
        flags[spelling["connectorFlag"]] = connectors[role.kv_transfer.connector]
    flags.update(sorted(sidecar.flags.items()))
    return {
        "name": NAME,
        "image": variant.image("routingSidecar", sidecar.image),
        "args": flag_words(flags),
        **given(env=env_list(sidecar.env), resources=resources(sidecar.resources)),
        "ports": [{"name": "http", "containerPort": variant.routing.port, "protocol": "TCP"}],
        "restartPolicy": "Always",
        "securityContext": over(RESTRICTED_CONTAINER, {"readOnlyRootFilesystem": True}),
    }
