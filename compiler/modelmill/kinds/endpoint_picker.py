"""The endpoint picker (EPP) of a model: ServiceAccount, RBAC, configuration, Deployment, Service.

Only with `routing.scheduler.config`. Ports, flags, probes and rules: llm-d/llm-d-router, its
chart routerlib.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelmill import latency_predictor, names, tls, tokenizer, tracing, yamltext
from modelmill.claims import picker_claims, pod_entries
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    flag_words,
    given,
    over,
    resources,
)
from modelmill.hashes import sha256
from modelmill.picker_config import picker_config
from modelmill.pod_specs import PodFrame, framed, pod_frame
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, SIZES, VARIABLES, shared
from modelmill.spec.gateways import GatewayProvider
from modelmill.spec.routing import Scheduler
from modelmill.variant import Variant

COMPONENT = "epp"
CONTAINER = "epp"
RBAC = "rbac.authorization.k8s.io/v1"
EXT_PROC_PORT = 9002
HEALTH_PORT = 9003
METRICS_PORT = 9090
CONFIG_FILE = "config.yaml"
# The picker drains open streams for 120 s before it stops.
GRACE_SECONDS = 130
WATCH = ["get", "watch", "list"]
READ_ONLY = {"readOnlyRootFilesystem": True}


def emit(variant: Variant) -> Iterable[Resource]:
    scheduler = variant.scheduler
    if scheduler is None:
        return
    config, scraped = _config(variant), scheduler.pod_monitor or scheduler.service_monitor
    account = _account(variant, scheduler)
    if account == variant.picker_name:
        yield _own_account(variant)
    role, config_map, service = _around(variant, config)
    yield role
    yield config_map
    yield _deployment(variant, config, variant.gateway_provider, scraped is not None)
    yield service
    yield _binding(variant, account)


@shared(*OUTSIDE, "roles.replicas", *VARIABLES, *SIZES, *PODS)
def _config(variant: Variant) -> str:
    """The configuration, which is what pickers know of the roles."""
    assert variant.scheduler is not None
    assert variant.scheduler.config is not None
    return yamltext.dump(picker_config(variant, variant.scheduler.config))


@shared(*OUTSIDE, *INSIDE, *PODS)
def _around(variant: Variant, config: str) -> tuple[Resource, Resource, Resource]:
    """The Role, the ConfigMap and the Service."""
    scheduler = variant.scheduler
    assert scheduler is not None
    name, labels = variant.picker_name, _labels(variant)
    return (
        _role(variant, scheduler, labels),
        resource("v1", "ConfigMap", name, labels=labels, data={CONFIG_FILE: config}),
        _service(variant, name, labels),
    )


@shared(*OUTSIDE, *INSIDE, *PODS)
def _own_account(variant: Variant) -> Resource:
    return resource(
        "v1",
        "ServiceAccount",
        variant.picker_name,
        labels=_labels(variant),
        automountServiceAccountToken=False,
    )


@shared(*OUTSIDE, *INSIDE, *PODS)
def _labels(variant: Variant) -> dict[str, str]:
    return names.labels(variant.name, COMPONENT, variant.labels)


def _account(variant: Variant, scheduler: Scheduler) -> str:
    given_account = scheduler.pod.service_account_name if scheduler.pod else None
    return given_account or variant.picker_name


def _role(variant: Variant, scheduler: Scheduler, labels: dict[str, str]) -> Resource:
    pool_group, _, _ = variant.versions.apis["InferencePool"].rpartition("/")
    rules = [
        _rule([""], ["pods"], WATCH),
        _rule([pool_group], ["inferencepools"], WATCH),
        _rule(
            list(variant.versions.watched_groups),
            ["inferenceobjectives", "inferencemodelrewrites"],
            WATCH,
        ),
    ]
    if scheduler.replicas > 1:
        verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
        rules.append(_rule(["coordination.k8s.io"], ["leases"], verbs))
        rules.append(_rule([""], ["events"], ["create", "patch"]))
    return resource(RBAC, "Role", variant.picker_name, labels=labels, rules=rules)


def _binding(variant: Variant, account: str) -> Resource:
    unbound = _unbound(variant)
    bound = given(kind="ServiceAccount", name=account, namespace=variant.namespace)
    return unbound._replace(body={**unbound.body, "subjects": [bound]})


@shared(*OUTSIDE, *INSIDE, *PODS)
def _unbound(variant: Variant) -> Resource:
    name = variant.picker_name
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return resource(RBAC, "RoleBinding", name, labels=_labels(variant), roleRef=role)


def _rule(groups: list[str], kinds: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": groups, "resources": kinds, "verbs": verbs}


@shared(*OUTSIDE, *INSIDE, *PODS)
def _deployment(
    variant: Variant, config: str, provider: GatewayProvider | None, scraped: bool
) -> Resource:
    """`provider`: whose Gateway sends it requests; `scraped`: whether a monitor looks at it."""
    around, frame, (picker, *others) = _still(variant, config)
    told = {**picker, "args": _args(variant, provider, scraped)}
    template = {**around.body["spec"]["template"], "spec": framed(frame, [told, *others], ())}
    return around._replace(
        body={**around.body, "spec": {**around.body["spec"], "template": template}}
    )


@shared(*OUTSIDE, *INSIDE, *PODS)
def _still(variant: Variant, config: str) -> tuple[Resource, PodFrame, list[Manifest]]:
    """The Deployment without its pods, what is around their containers, and these, the picker's
    first, without arguments."""
    scheduler, name = variant.scheduler, variant.picker_name
    assert scheduler is not None
    pod, metadata = scheduler.pod, scheduler.metadata
    digest = sha256(config)[:16]
    said = metadata.labels if metadata else {}
    noted = metadata.annotations if metadata else {}
    own = {**variant.labels, **said, **(pod.labels if pod else {})}
    annotations = {**noted, **(pod.annotations if pod else {}), names.CONFIG_HASH: digest}
    selector = names.selector(variant.name, COMPONENT)
    is_beside = tokenizer.is_beside(variant)
    containers = [
        _container(variant, scheduler),
        *([tokenizer.container(variant)] if is_beside else []),
        *latency_predictor.containers(variant),
    ]
    frame = pod_frame(
        pod,
        account=name,
        uses_token=True,  # it watches pods and pools
        grace_seconds=GRACE_SECONDS,
        selector=selector,
        volumes=[
            {"name": "config", "configMap": {"name": name}},
            *(tokenizer.volumes(variant) if is_beside else []),
            *latency_predictor.volumes(variant),
            *tls.volumes(variant),
        ],
        claims=pod_entries(picker_claims(variant, COMPONENT, pod)),
    )
    around = resource(
        "apps/v1",
        "Deployment",
        name,
        labels=names.labels(variant.name, COMPONENT, {**variant.labels, **said}),
        annotations=dict(sorted(noted.items())),
        spec={
            "replicas": scheduler.replicas,
            "selector": {"matchLabels": selector},
            # Two pickers at once would each see half of the traffic.
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {
                    "labels": names.labels(variant.name, COMPONENT, own),
                    "annotations": dict(sorted(annotations.items())),
                },
            },
        },
    )
    return around, frame, containers


def _container(variant: Variant, scheduler: Scheduler) -> Manifest:
    elects = scheduler.replicas > 1
    fields = container_fields(scheduler.container)
    health: Manifest = {"port": HEALTH_PORT, "service": "inference-extension"}
    env: dict[str, Any] = {
        "NAMESPACE": _field_ref("metadata.namespace"),
        "POD_NAME": _field_ref("metadata.name"),
        **tracing.env(variant, COMPONENT),
        **latency_predictor.env(variant),
        **scheduler.env,
    }
    return {
        "name": (scheduler.container and scheduler.container.name) or CONTAINER,
        "image": variant.image("endpointPicker", scheduler.image),
        "args": [],  # in their place, which they take last
        "env": env_list(env),
        "ports": [
            {"name": "grpc", "containerPort": EXT_PROC_PORT, "protocol": "TCP"},
            {"name": "grpc-health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
            *fields.pop("ports", []),
        ],
        "livenessProbe": {
            "grpc": {**health, "service": "liveness"} if elects else health,
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
        },
        "readinessProbe": {
            "grpc": {**health, "service": "readiness"} if elects else health,
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
        },
        **given(resources=resources(scheduler.resources)),
        **fields,
        "securityContext": over(READ_ONLY, fields["securityContext"]),
        "volumeMounts": [
            {"name": "config", "mountPath": "/config", "readOnly": True},
            *tls.mounts(variant),
            *fields.get("volumeMounts", []),
        ],
    }


def _args(variant: Variant, provider: GatewayProvider | None, scraped: bool) -> list[str]:
    scheduler = variant.scheduler
    assert scheduler is not None
    pool_group, _, _ = variant.versions.apis["InferencePool"].rpartition("/")
    flags: dict[str, Any] = {
        "pool-name": variant.name,
        # Kubernetes expands it, so that the flag is the same in every environment.
        "pool-namespace": "$(NAMESPACE)",
        "pool-group": pool_group,
        "zap-encoder": "json",
        "config-file": f"/config/{CONFIG_FILE}",
        "grpc-health-port": HEALTH_PORT,
    }
    if scheduler.replicas > 1:
        flags["ha-enable-leader-election"] = True
    if scraped:
        flags["metrics-endpoint-auth"] = False
    if provider == "agentgateway":
        # Its gateways speak to pickers without TLS.
        flags["secure-serving"] = False
    flags.update(tls.picker_flags(variant))
    flags.update(tracing.flags(variant, "endpointPicker"))
    flags.update(sorted(scheduler.flags.items()))
    return flag_words(flags)


def _field_ref(path: str) -> Manifest:
    return {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _service(variant: Variant, name: str, labels: dict[str, str]) -> Resource:
    return resource(
        "v1",
        "Service",
        name,
        labels=labels,
        spec={
            "type": "ClusterIP",
            "selector": names.selector(variant.name, COMPONENT),
            "ports": [
                _port("grpc-ext-proc", EXT_PROC_PORT, "kubernetes.io/h2c"),
                _port("http-metrics", METRICS_PORT, "http"),
            ],
        },
    )


def _port(name: str, number: int, speaks: str) -> Manifest:
    at = {"port": number, "protocol": "TCP", "targetPort": number}
    return {"name": name, **at, "appProtocol": speaks}
