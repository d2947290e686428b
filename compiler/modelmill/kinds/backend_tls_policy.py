"""BackendTLSPolicy: by which certificate a Gateway knows the Service of a model without a picker.

Only with TLS and a ConfigMap of the issuer's certificate. What holds for an InferencePool, the
Gateway API leaves to each implementation (`checks.tls`). Upstream: gateway.networking.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names, tls
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    asked = tls.tls_of(variant)
    if asked is None or asked.ca_config_map is None or variant.scheduler is not None:
        return
    authority = {"group": "", "kind": "ConfigMap", "name": asked.ca_config_map}
    yield resource(
        variant.versions.apis["BackendTLSPolicy"],
        "BackendTLSPolicy",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "targetRefs": [{"group": "", "kind": "Service", "name": variant.name}],
            "validation": {
                "caCertificateRefs": [authority],
                "hostname": tls.service_host(variant, variant.name),
            },
        },
    )
