"""Certificate of a model, which cert-manager has signed and keeps renewed in a Secret.

Only where `routing.tls` names an issuer. Upstream: cert-manager.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names, tls
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant

USAGES = ["digital signature", "key encipherment", "server auth"]


def emit(variant: Variant) -> Iterable[Resource]:
    asked = tls.tls_of(variant)
    if asked is None or asked.issuer is None:
        return
    issuer = asked.issuer
    yield resource(
        variant.versions.apis["Certificate"],
        "Certificate",
        tls.secret_name(variant),
        labels=names.labels(variant.name, "model", variant.labels),
        spec={
            "secretName": tls.secret_name(variant),
            "issuerRef": {"group": issuer.group, "kind": issuer.kind, "name": issuer.name},
            "dnsNames": tls.dns_names(variant),
            **given(duration=asked.duration, renewBefore=asked.renew_before),
            "usages": USAGES,
            "privateKey": {"rotationPolicy": "Always"},
        },
    )
