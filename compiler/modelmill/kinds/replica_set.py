"""ReplicaSet of each role with `dualPods`: requesters, which carry the pod that serves as a patch.

Upstream: llm-d-incubation/llm-d-fast-model-actuation. A requester holds the accelerators of one
replica. Its controller makes the pod that serves from the requester's labels and spec and the patch
in an annotation, a strategic merge patch in a Go template, and runs it on the requester's node.

The patch replaces labels and spec as a whole: nothing of the requester's is left, neither the label
by which the ReplicaSet knows its pods, which would adopt the one that serves, nor its command.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelmill import names, yamltext
from modelmill.claims import accelerator_claims, container_entries, pod_entries
from modelmill.containers import Manifest, container_fields, env_list, given
from modelmill.engine_container import REQUESTED_CONTAINER
from modelmill.engine_resources import held_accelerators
from modelmill.pod_specs import spread_constraints
from modelmill.pods import pod_template, workload_labels
from modelmill.registries import mirrored_pod
from modelmill.resource import Resource, resource
from modelmill.spec.dual_pods import DualPods
from modelmill.spec.role import Role
from modelmill.variant import Variant

GRACE_SECONDS = 30
LIMITS = {"cpu": "1", "memory": "250Mi"}
ACCOUNT = ("serviceAccountName", "automountServiceAccountToken")
# What decides on the node, which is then the other pod's too, and what a pod needs to run there.
PLACEMENT = (
    "securityContext",
    "priorityClassName",
    "schedulerName",
    "runtimeClassName",
    "nodeSelector",
    "imagePullSecrets",
    "affinity",
    "tolerations",
)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
REPLACE = {"$patch": "replace"}


def emit(variant: Variant) -> Iterable[Resource]:
    for key, role in variant.roles.items():
        if role.dual_pods is not None:
            yield _replica_set(variant, key, role, role.dual_pods)


def _replica_set(variant: Variant, key: str, role: Role, dual: DualPods) -> Resource:
    metadata = role.metadata
    labels = {**variant.labels, **(metadata.labels if metadata else {})}
    component = names.label_value(f"{key}.requester")
    selector = dict(role.selector or names.selector(variant.name, component))
    own = {} if variant.is_bare(key) else names.labels(variant.name, component, labels)
    served = pod_template(variant, key)
    annotations = {
        f"{dual.annotation_domain}/admin-port": str(dual.admin_port or dual.spi_port),
        f"{dual.annotation_domain}/server-patch": _patch(variant, served),
        **dual.annotations,
    }
    return resource(
        "apps/v1",
        "ReplicaSet",
        variant.workload_name(key),
        labels=workload_labels(variant, key),
        annotations=dict(sorted(metadata.annotations.items())) if metadata else None,
        spec={
            **given(replicas=None if role.autoscaling else role.replicas),
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": {**own, **selector},
                    "annotations": dict(sorted(annotations.items())),
                },
                "spec": _requester(variant, key, role, dual, served["spec"], selector),
            },
        },
    )


def _requester(
    variant: Variant,
    key: str,
    role: Role,
    dual: DualPods,
    served: Manifest,
    selector: dict[str, str],
) -> Manifest:
    """The requester's pod, which takes the node and the accelerators of the one that serves."""
    bare = variant.is_bare(key)
    kept = PLACEMENT if bare else (*ACCOUNT, *PLACEMENT)
    return {
        **{name: served[name] for name in kept if name in served},
        **given(
            terminationGracePeriodSeconds=None if bare else GRACE_SECONDS,
            topologySpreadConstraints=spread_constraints(role.pod, selector, bare=bare),
        ),
        "containers": [_container(variant, key, role, dual)],
        **given(resourceClaims=pod_entries(accelerator_claims(variant, key, role))),
    }


def _container(variant: Variant, key: str, role: Role, dual: DualPods) -> Manifest:
    bare = variant.is_bare(key)
    fields = container_fields(dual.container, bare=bare)
    held = held_accelerators(variant, key)
    limits = {**LIMITS, **held, **dual.limits}
    ready = {"path": "/ready", "port": dual.probes_port}
    return {
        "name": REQUESTED_CONTAINER,
        "image": dual.image,
        "command": ["/app/requester"],
        "env": env_list({"PROBES_PORT": dual.probes_port, "SPI_PORT": dual.spi_port}),
        "ports": [
            {"name": "probes", "containerPort": dual.probes_port, "protocol": "TCP"},
            {"name": "spi", "containerPort": dual.spi_port, "protocol": "TCP"},
            *fields.pop("ports", []),
        ],
        "readinessProbe": {
            "httpGet": ready if bare else {**ready, "scheme": "HTTP"},
            "initialDelaySeconds": dual.initial_delay_seconds,
            "periodSeconds": dual.period_seconds,
        },
        # Requests are the limits, which a quantity of accelerators must be.
        "resources": given(
            limits=dict(sorted(limits.items())),
            claims=container_entries(accelerator_claims(variant, key, role), None),
        ),
        **fields,
    }


def _patch(variant: Variant, served: Manifest) -> str:
    """The server's pod as the patch that makes it of the requester's."""
    metadata, spec = served["metadata"], mirrored_pod(served["spec"], variant.pulls)
    containers = [_numbered(each) for each in spec["containers"]]
    # It is bound to the requester's node, whatever else runs there.
    kept = {name: value for name, value in spec.items() if name != "topologySpreadConstraints"}
    patch = {
        "metadata": {**metadata, "labels": {**REPLACE, **metadata.get("labels", {})}},
        "spec": {**REPLACE, **kept, "containers": containers},
    }
    # Braces of the pod's own are none of the template's.
    return yamltext.dump(patch).replace("{{", '{{"{{"}}')


def _numbered(container: Manifest) -> Manifest:
    """The container with numbers for the ports that its probes name: the controller reads the
    server's port from the readiness probe."""
    ports = {
        each["name"]: each["containerPort"]
        for each in container.get("ports", [])
        if "name" in each and "containerPort" in each
    }
    probes = {name: _with_number(container[name], ports) for name in PROBES if name in container}
    return {**container, **probes}


def _with_number(probe: Manifest, ports: dict[str, Any]) -> Manifest:
    handlers = {
        name: {**probe[name], "port": ports.get(probe[name]["port"], probe[name]["port"])}
        for name in ("httpGet", "tcpSocket")
        if "port" in probe.get(name, {})
    }
    return {**probe, **handlers}
