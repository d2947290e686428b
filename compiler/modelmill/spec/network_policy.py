"""Who may talk to a model's pods, and to whom they may: NetworkPolicies of networking.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, PortRef
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping


class Peer(Record):
    """Who is at the other end: a NetworkPolicyPeer. `podSelector` beside a namespace takes pods of
    it; alone, pods of the model's own namespace."""

    noun = "a peer"
    one_of = (("namespace", "namespaceSelector", "ipBlock"), ("podSelector", "ipBlock"))
    misnomers = {"cidr": "ipBlock", "matchLabels": "podSelector", "pods": "podSelector"}

    namespace: DnsLabel | None = field("A namespace, by its name.", default=None)
    namespace_selector: FreeMapping | None = field(
        "Namespaces, by a LabelSelector; {} for all.", default=None
    )
    pod_selector: FreeMapping | None = field("Pods, by a LabelSelector; {} for all.", default=None)
    ip_block: FreeMapping | None = field(
        "Addresses outside of the cluster: {cidr, except}.", default=None
    )


class PeerPort(Record):
    """A port at the other end: a NetworkPolicyPort."""

    noun = "a port"
    misnomers = {"number": "port", "containerPort": "port"}

    port: PortRef = field("Its number, or its name in the pod.")
    end_port: int | None = field(
        "Last number of a range that begins with `port`.", default=None, minimum=1, maximum=65535
    )
    protocol: Literal["TCP", "UDP", "SCTP"] = field("Protocol.", default="TCP")


class Egress(Record):
    """Somewhere pods may connect to."""

    noun = "an egress rule"

    to: tuple[Peer, ...] = field("Who is there; anywhere unless given.", default=())
    ports: tuple[PeerPort, ...] = field("On which ports; all unless given.", default=())


class NetworkPolicy(Record):
    """NetworkPolicies of the model's pods: engines, endpoint picker, what fills its cache. What the
    model's parts say to each other follows from the model; the rest is said here."""

    noun = "networkPolicy"
    misnomers = {
        "from": "clients",
        "ingress": "clients",
        "gateways": "gateway",
        "prometheus": "monitoring",
    }

    gateway: Mapping[DnsLabel, Peer] = field(
        "Where the Gateway's proxies run, by a name of your own, if that is not the Gateway's "
        "namespace: GKE's are outside of the cluster.",
        default=EMPTY,
    )
    clients: Mapping[DnsLabel, Peer] = field(
        "Who else may send requests to the model's pods, past the Gateway, by a name of your own.",
        default=EMPTY,
    )
    monitoring: Mapping[DnsLabel, Peer] = field(
        "Who may scrape metrics, by a name of your own.", default=EMPTY
    )
    egress: Mapping[DnsLabel, Egress] = field(
        "Where pods may connect to beside what follows from the model, by a name of your own.",
        default=EMPTY,
    )
