"""How a replica of a role is spread over pods: their number, their accelerators, their ranks.

In: a role. Out: numbers that kinds, engines and checks share. Where the input does not fit together
the numbers are the nearest that do; saying so is `checks.pod_groups`'.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from modelmill.spec.engine import Parallelism
from modelmill.spec.role import Role
from modelmill.tuples import NamedTuple

LoadBalancing = Literal["internal", "hybrid", "external"]
SIMULATOR = "inference-sim"
"""Answers for a whole pod of an engine: each of its pods serves, leader or worker."""


class Group(NamedTuple):
    """One replica of a role.

    size          pods, the leader included; 1 where the role has no `worker`
    data          data parallel ranks
    ranks         data parallel ranks in one pod; 1 where a rank takes several pods
    nodes         pods that one rank takes; 1 where a pod holds whole ranks
    accelerators  accelerators of one pod: tensor × pipeline × ranks, or the pod's part of one rank
    """

    size: int
    data: int
    ranks: int
    nodes: int
    accelerators: int


ONE_POD = Group(1, 1, 1, 1, 1)
_NO_PARALLELISM = Parallelism()


@lru_cache(maxsize=64)
def group_of(role: Role) -> Group:
    sizes = role.parallelism or _NO_PARALLELISM
    in_rank = accelerators_in_rank(role)
    size = size_of(role) or 1
    data = sizes.data or (sizes.data_local or 1) * (size if sizes.data_local else 1)
    if sizes.data_local is None and size > data:
        return Group(size, data, 1, size // data, max(in_rank * data // size, 1))
    ranks = sizes.data_local or max(data // size, 1)
    return Group(size, data, ranks, 1, in_rank * ranks)


def accelerators_in_rank(role: Role) -> int:
    """Accelerators that hold one copy of the model: tensor × pipeline."""
    sizes = role.parallelism or _NO_PARALLELISM
    return (sizes.tensor or 1) * (sizes.pipeline or 1)


def size_of(role: Role) -> int | None:
    """Pods of a replica; None where it has several and nothing tells how many."""
    sizes = role.parallelism or _NO_PARALLELISM
    if role.worker is None:
        return 1
    if role.worker.size is not None:
        return role.worker.size
    if sizes.data_local is not None:
        return max((sizes.data or sizes.data_local) // sizes.data_local, 1)
    per_node = role.accelerator.per_node if role.accelerator else None
    if per_node is None:
        return None
    return -(-accelerators_in_rank(role) * (sizes.data or 1) // per_node)


def load_balancing(role: Role) -> LoadBalancing:
    """Who spreads requests over the ranks. One process has nothing to spread."""
    given = role.parallelism.load_balancing if role.parallelism else None
    return given if given is not None and group_of(role).data > 1 else "internal"


def ports_of(role: Role) -> int:
    """Ports on which a pod of the role takes requests: one a rank, where the picker chooses it."""
    return group_of(role).ranks if load_balancing(role) == "external" else 1


def workers_serve(role: Role) -> bool:
    """Whether workers take requests, or only work for their leader."""
    engine, worker = role.engine, role.worker
    if engine is None or worker is None or engine.type == SIMULATOR:
        return True
    if (engine.argv is not None or engine.type == "custom") and not (worker.argv or worker.command):
        # A worker that runs its leader's words does what its leader does.
        return True
    return group_of(role).nodes == 1 and load_balancing(role) != "internal"
