"""TLS between gateway, endpoint picker, routing sidecar and engines."""

from __future__ import annotations

from typing import Literal

from modelmill.formats import DnsName, Duration
from modelmill.record import Record, field


class Issuer(Record):
    """An issuer of cert-manager."""

    noun = "an issuer"

    name: DnsName = field("Its name.")
    kind: Literal["Issuer", "ClusterIssuer"] = field("Its kind.", default="ClusterIssuer")
    group: str = field("Its API group.", default="cert-manager.io")


class Tls(Record):
    """TLS of the model's pods: cert-manager's Certificates for the names of its Services, or a
    Secret that exists."""

    noun = "tls"
    one_of = (("issuer", "secretName"),)
    misnomers = {
        "issuerRef": "issuer",
        "clusterIssuer": "issuer",
        "certificate": "issuer",
        "secret": "secretName",
        "certSecretName": "secretName",
        "ca": "caConfigMap",
        "caCertificateRefs": "caConfigMap",
        "enabled": "issuer",
    }

    issuer: Issuer | None = field("Who signs the certificates that are generated.", default=None)
    secret_name: DnsName | None = field(
        "A Secret with tls.crt, tls.key and ca.crt that exists, for all of the model's pods.",
        default=None,
    )
    duration: Duration | None = field(
        "How long a certificate is valid: 2160h, which is cert-manager's, unless given.",
        default=None,
    )
    renew_before: Duration | None = field(
        "How long before its end it is renewed; a third of it unless given.", default=None
    )
    ca_config_map: DnsName | None = field(
        "A ConfigMap whose ca.crt is the issuer's certificate, by which a Gateway checks a model "
        "without a picker; trust-manager makes one.",
        default=None,
    )
