"""A rendered ModelService in brief.

In: its parts and children. Out: facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.carried import bare
from modelmill.importers.modelservice_operator import engine
from modelmill.importers.modelservice_operator.artifacts import MOUNT, VOLUME
from modelmill.importers.modelservice_operator.children import Parts
from modelmill.importers.modelservice_operator.facts import (
    ROLES,
    AcceleratorTypes,
    Facts,
    RoleFacts,
    RoleName,
)
from modelmill.importers.modelservice_operator.identity import Identity


def facts(
    parts: Parts, made: Mapping[str, Any], known: Identity, routing_port: int | None
) -> Facts:
    """The facts of a ModelService and its children."""
    routing = parts.spec.get("routing", {})
    artifacts = parts.spec.get("modelArtifacts", {})
    return Facts(
        name=known.name,
        namespace=known.namespace,
        model_name=known.model_name,
        label=known.label,
        uri=artifacts.get("uri", ""),
        size=artifacts.get("size", ""),
        auth_secret=artifacts.get("authSecretName", ""),
        roles={
            role: _role(parts, made[f"{role}Deployment"], role)
            for role in ROLES
            if f"{role}Deployment" in made
        },
        ports=known.ports,
        routing_port=routing_port,
        gateways=tuple(bare(each) for each in routing.get("gatewayRefs", ())),
        decouple_scaling=bool(parts.spec.get("decoupleScaling")),
        variables=known.variables,
    )


def _role(parts: Parts, deployment: Mapping[str, Any], role: RoleName) -> RoleFacts:
    stanza = parts.spec.get(role, {})
    types = stanza.get("acceleratorTypes")
    pod = deployment["spec"]["template"]["spec"]
    containers = pod.get("containers", [])
    at = engine.engine_index(containers)
    return RoleFacts(
        role=role,
        deployment=parts.names[f"{role}Deployment"],
        replicas=deployment["spec"].get("replicas"),
        tensor=stanza.get("parallelism", {}).get("tensor"),
        accelerators=AcceleratorTypes(
            types.get("labelKey", ""), tuple(types.get("labelValues", ()))
        )
        if types
        else None,
        in_stanza=role in parts.spec,
        in_base=f"{role}Deployment" in parts.base,
        engine=None if at is None else str(containers[at].get("name", "")),
        mounts=tuple(_mounting(pod)),
    )


def _mounting(pod: Mapping[str, Any]) -> Iterator[str]:
    """Containers with the weights: the model's volume, or what stands in its place."""
    for listed in ("initContainers", "containers"):
        for container in pod.get(listed, ()):
            mounts = container.get("volumeMounts", ())
            if any(m.get("name") == VOLUME or m.get("mountPath") == MOUNT for m in mounts):
                yield str(container.get("name", ""))
