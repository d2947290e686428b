"""TLS between gateway, endpoint picker, routing sidecar, engines and Prometheus.

In: a variant. Out: the names a certificate is for, where a pod has it, and what each component is
told. Nothing, where `routing.tls` is not set.

One certificate is for all of a model's Services. Pods of a pool are reached by their addresses, for
which no issuer signs names that stay: who does so encrypts, and does not verify. Who reaches them
through a Service, or may say which name it expects, verifies.
"""

from __future__ import annotations

from typing import Any

from modelmill.containers import Manifest
from modelmill.hashes import sha256
from modelmill.names import NAME_LIMIT, child_name
from modelmill.spec.tls import Tls
from modelmill.variant import Variant

VOLUME = "tls"
PATH = "/etc/tls"
AUTHORITY = "ca.crt"
"""Key of the issuer's certificate in the Secret and in a ConfigMap (cert-manager, Gateway API)."""
STAGES = "prefiller,decoder"
"""Whom a routing sidecar talks to (llm-d/llm-d-router, pkg/sidecar/proxy/options.go)."""


def tls_of(variant: Variant) -> Tls | None:
    return variant.routing.tls


def scheme(variant: Variant) -> str:
    """URL scheme of the model's pods: https or http."""
    return "http" if tls_of(variant) is None else "https"


def secret_name(variant: Variant) -> str:
    """The Secret with tls.crt, tls.key and ca.crt."""
    tls = tls_of(variant)
    return (tls and tls.secret_name) or child_name(variant.name, "tls")


def certificate_path(variant: Variant) -> str:
    """Folder of a container that holds the certificate; "" without TLS."""
    return "" if tls_of(variant) is None else PATH


def volumes(variant: Variant) -> list[Manifest]:
    if tls_of(variant) is None:
        return []
    return [{"name": VOLUME, "secret": {"secretName": secret_name(variant)}}]


def mounts(variant: Variant) -> list[Manifest]:
    if tls_of(variant) is None:
        return []
    return [{"name": VOLUME, "mountPath": PATH, "readOnly": True}]


def service_host(variant: Variant, service: str) -> str:
    """A Service's name as others reach it; without an environment it has no namespace."""
    return f"{service}.{variant.namespace}.svc" if variant.namespace else service


def dns_names(variant: Variant) -> list[str]:
    """Names a certificate is for: those of the model's Service and of its picker's. Addresses of
    pods are none: each new pod would need a new certificate."""
    picker = [variant.picker_name] if variant.scheduler is not None else []
    services = [variant.name, *picker]
    if variant.namespace is None:
        return services
    hosts = [f"{service}.{variant.namespace}" for service in services]
    ends = ("", ".svc", ".svc.cluster.local")
    return [*services, *(f"{host}{end}" for host in hosts for end in ends)]


def sidecar_flags(variant: Variant) -> dict[str, Any]:
    """Flags of the routing sidecar. It knows no CA but the system's: it encrypts, and trusts the
    picker's choice of an address."""
    if tls_of(variant) is None:
        return {"secure-proxy": False}
    return {
        "secure-proxy": True,
        "cert-path": PATH,
        "enable-tls": STAGES,
        "tls-insecure-skip-verify": STAGES,
    }


def picker_flags(variant: Variant) -> dict[str, Any]:
    """Flags of the endpoint picker, to which gateways speak TLS in any case: without a certificate
    it makes one of its own."""
    if tls_of(variant) is None:
        return {}
    return {"secure-serving": True, "cert-path": PATH, "enable-cert-reload": True}


def source_parameters(variant: Variant) -> Manifest:
    """Parameters of a picker's data source that asks pods by HTTP: metrics-data-source,
    models-data-source (llm-d/llm-d-router, pkg/epp/framework/plugins/datalayer/source)."""
    if tls_of(variant) is None:
        return {}
    return {"scheme": "https", "insecureSkipVerify": True}


def scrape_fields(variant: Variant) -> Manifest:
    """Fields of an endpoint of a PodMonitor or ServiceMonitor of engines. Prometheus asks pods by
    their addresses and expects the name of their Service."""
    if tls_of(variant) is None:
        return {}
    authority = {"secret": {"name": secret_name(variant), "key": AUTHORITY}}
    server = service_host(variant, variant.name)
    return {"scheme": "https", "tlsConfig": {"ca": authority, "serverName": server}}


def pool_service(pool: str) -> str:
    """The Service under which Istio knows the pods of an InferencePool (istio/istio,
    pilot/pkg/config/kube/gateway, InferencePoolServiceName)."""
    suffix = f"-ip-{sha256(pool)[:8]}"
    return pool[: NAME_LIMIT - len(suffix)] + suffix
