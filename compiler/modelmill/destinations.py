"""Who is at the other end of a connection, as NetworkPolicies say it (networking.k8s.io/v1).

In: peers people wrote, a URL of the input, or a variant with its Gateway. Out: parts of rules.
Rules are held against pods, behind Services: a port is the pod's own. Server-side defaults are
written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from modelmill.containers import Manifest, given
from modelmill.gateways import NAMESPACE_NAME
from modelmill.routes import gateway_namespace
from modelmill.spec.network_policy import Egress, NetworkPolicy, Peer, PeerPort
from modelmill.variant import Variant

PORTS = {"https": 443}
HTTP = 80
HUB = "https://huggingface.co"
# Where a client connects to besides what it is told on its command line: a mirror of the hub, a
# proxy, a store that is not Amazon's (huggingface_hub, requests, AWS SDKs).
VARIABLES = ("AWS_ENDPOINT_URL", "HF_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY")
DNS_NAMESPACE = "kube-system"
# Marks a Gateway's pods, where they are in its namespace (Gateway API, GEP-1762).
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
ANY_POD: Manifest = {"podSelector": {}}


def ports(numbers: Iterable[int], protocol: str = "TCP") -> list[Manifest]:
    """NetworkPolicyPorts of numbers, each by itself: a network plugin that knows no `endPort` would
    take the first of a range alone."""
    return [{"port": number, "protocol": protocol} for number in sorted(set(numbers))]


def in_namespace(name: str) -> Manifest:
    """Every pod of a namespace."""
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: name}}}


def pods(selector: Mapping[str, str]) -> Manifest:
    """Pods of the policy's own namespace."""
    return {"podSelector": {"matchLabels": dict(selector)}}


def peer(written: Peer) -> Manifest:
    """A peer as people wrote it: `{}` as a selector means all, and is kept."""
    found = in_namespace(written.namespace) if written.namespace is not None else {}
    parts = {
        "namespaceSelector": written.namespace_selector,
        "podSelector": written.pod_selector,
        "ipBlock": written.ip_block,
    }
    return {**found, **{name: part for name, part in parts.items() if part is not None}}


def peers(written: Mapping[str, Peer]) -> list[Manifest]:
    return [peer(each) for _, each in sorted(written.items())]


def gateway(variant: Variant, policy: NetworkPolicy) -> list[Manifest]:
    """The Gateway's proxies: where people say that they are, or in the Gateway's namespace. A model
    that another's route leads to may say that namespace alone."""
    if policy.gateway:
        return peers(policy.gateway)
    said, own = variant.routing.gateway, variant.gateway
    elsewhere = said.namespace if said is not None else None
    namespace = gateway_namespace(variant) if own is not None else elsewhere
    if namespace is not None and namespace != variant.namespace:
        return [in_namespace(namespace)]
    return [pods({GATEWAY_NAME: str(own.name)})] if own is not None else []


def egress(written: Egress) -> Manifest:
    """An egress rule as people wrote it."""
    return given(
        to=[peer(each) for each in written.to], ports=[_port(each) for each in written.ports]
    )


def dns() -> Manifest:
    """The cluster's DNS."""
    both = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {"to": [in_namespace(DNS_NAMESPACE)], "ports": both}


def at(url: str) -> Manifest:
    """The egress rule for a URL, or for HOST:PORT. NAME is a Service of the model's own namespace,
    NAME.NAMESPACE.svc one of another. Any other name may be anywhere: NAME.NAMESPACE is spelt as
    names of the internet are."""
    address = urlsplit(url if "://" in url else f"//{url}")
    rule = {"ports": ports([_number(address)])}
    found = _host(address.hostname or "")
    return {"to": [found], **rule} if found else rule


def addresses(env: Mapping[str, Any]) -> list[str]:
    """The URLs in an environment that something connects to."""
    found = (value for name, value in env.items() if name.upper() in VARIABLES)
    return [value for value in found if isinstance(value, str) and value]


def _port(written: PeerPort) -> Manifest:
    port = int(written.port) if written.port.isdigit() else written.port
    return given(port=port, endPort=written.end_port, protocol=written.protocol)


def _number(address: Any) -> int:
    try:
        return address.port or PORTS.get(address.scheme, HTTP)
    except ValueError:
        return PORTS.get(address.scheme, HTTP)


def _host(name: str) -> Manifest | None:
    """Who has a name; None where that cannot be told."""
    try:
        address = ip_address(name)
        return {"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}
    except ValueError:
        labels = name.removesuffix(".").split(".")
    if not all(label.replace("-", "").isalnum() for label in labels):
        return None
    if len(labels) == 1:
        return None if labels == ["localhost"] else ANY_POD
    return in_namespace(labels[1]) if labels[2:3] == ["svc"] else None
