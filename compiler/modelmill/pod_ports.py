"""The ports that a role's pods listen on, by their use: a port has one.

In: a variant and a role's key. Out: ranges of ports, but for those of KV events, which people set.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.engines.vllm_kv import NIXL_PORT
from modelmill.groups import group_of, ports_of
from modelmill.spec.engine import Parallelism
from modelmill.spec.role import Role
from modelmill.variant import Variant

REQUESTS = "for requests"
SIDECAR = "for requests to the sidecar"
TRANSFERS = "for KV transfers"
RANKS = "for ranks to find each other"


def used_ports(variant: Variant, key: str) -> dict[str, range]:
    """Ranges of ports by what they are for; empty ones where nothing is."""
    role = variant.roles[key]
    group, asked = group_of(role), ports_of(role)
    proxied = asked if variant.has_sidecar(key) else 0
    meets = 1 if group.data > 1 or role.worker is not None else 0
    return {
        # After those of several ranks there is one for all of them.
        REQUESTS: ports_from(variant.engine_port(key), asked + (asked > 1)),
        SIDECAR: ports_from(variant.routing.port, proxied),
        # By a rank's number in its group (vllm/distributed/kv_transfer, NIXL).
        TRANSFERS: ports_from(NIXL_PORT, group.data if _uses_nixl(role) else 0),
        RANKS: ports_from((role.parallelism or Parallelism()).rpc_port, meets),
    }


def ports_from(port: int, count: int) -> range:
    return range(port, port + count)


def first_shared(ports: range, others: Mapping[str, range]) -> tuple[str, int] | None:
    """The first of the other uses that has one of the ports, and which; None where none does."""
    for use, used in others.items():
        first = max(ports.start, used.start)
        if first < min(ports.stop, used.stop):
            return use, first
    return None


def _uses_nixl(role: Role) -> bool:
    transfer, engine = role.kv_transfer, role.engine
    is_vllm = engine is not None and engine.type == "vllm"
    return is_vllm and transfer is not None and transfer.connector == "nixl"
