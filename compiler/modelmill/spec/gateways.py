"""Gateways that an environment owns, for its models' routes to attach to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from modelmill.formats import DnsLabel, DnsName, Hostname, LabelValue, QualifiedName
from modelmill.record import EMPTY, KeptShape, Record, field
from modelmill.spec.pod import Metadata
from modelmill.spec.tls import Issuer

GatewayProvider = Literal["gke", "istio", "envoy-gateway", "agentgateway"]


class Listener(Record):
    """A port of a Gateway. HTTPS where it has an `issuer` or a `secretName`."""

    noun = "a listener"
    one_of = (("issuer", "secretName"),)

    port: int | None = field(
        "Its port; 443 of HTTPS and 80 of HTTP unless given.",
        default=None,
        minimum=1,
        maximum=65535,
    )
    hostname: Hostname | None = field("Host name it answers to; all unless given.", default=None)
    issuer: Issuer | None = field(
        "Who signs its certificate, which is generated for `hostname`.", default=None
    )
    secret_name: DnsName | None = field("A Secret with its certificate that exists.", default=None)
    allowed_routes: Literal["Same", "All"] | None = field(
        "Namespaces whose routes attach; the environment's own unless given.", default=None
    )


class Address(Record):
    """An address of a Gateway."""

    noun = "an address"

    type: str | None = field("IPAddress, Hostname or a provider's own.", default=None)
    value: str | None = field("The address; any of its type unless given.", default=None)


class ParametersRef(Record):
    """An object with settings of a provider's own."""

    noun = "parametersRef"

    group: str = field("Its API group; empty for the core one.")
    kind: str = field("Its kind.")
    name: DnsName = field("Its name.")


class Infrastructure(Record):
    """What is made for a Gateway."""

    noun = "infrastructure"

    labels: Mapping[QualifiedName, LabelValue] = field("Labels of it.", default=EMPTY)
    annotations: Mapping[QualifiedName, str] = field("Annotations of it.", default=EMPTY)
    parameters_ref: ParametersRef | None = field("Settings.", default=None)


AddressMapping: TypeAlias = Annotated[Any, KeptShape(Address)]
InfrastructureMapping: TypeAlias = Annotated[Any, KeptShape(Infrastructure)]


class ManagedGateway(Record):
    """A Gateway that is generated with the environment. The key is its name."""

    noun = "a gateway"

    class_name: DnsName = field("GatewayClass.")
    provider: GatewayProvider | None = field(
        "Whose implementation it is, for the objects only that one has.", default=None
    )
    namespace: DnsLabel | None = field(
        "Its namespace, which must exist; the environment's unless given.", default=None
    )
    listeners: Mapping[DnsLabel, Listener] = field("Listeners by name.", default=EMPTY)
    addresses: tuple[AddressMapping, ...] = field("Addresses: {type, value}.", default=())
    infrastructure: InfrastructureMapping | None = field(
        "Labels, annotations and parameters of what is made for it.", default=None
    )
    metadata: Metadata | None = field("Labels and annotations of the Gateway.", default=None)
