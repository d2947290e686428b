"""How many pods and accelerators a variant has, and between which bounds where it is scaled.

In: a variant. Out: a RoleSize for each role, and Amounts of several together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.groups import group_of
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant


class RoleSize(NamedTuple):
    """A role's replicas and what each of them takes.

    workload    name of the object its pods are in
    replicas    as written; the scaler's least where it is scaled
    gpus        accelerators of one replica
    pods        pods of one replica
    resource    what pods ask for: nvidia.com/gpu; the product where they claim devices instead
    product     the accelerator's name
    most        replicas at most; None where an external scaler has no bound
    """

    name: str
    workload: str
    replicas: int
    gpus: int
    pods: int
    resource: str | None
    product: str | None
    most: int | None

    @property
    def total(self) -> int:
        return self.replicas * self.gpus if self.resource else 0

    @property
    def total_most(self) -> int | None:
        if not self.resource:
            return 0
        return None if self.most is None else self.most * self.gpus


class Amount(NamedTuple):
    """A number of accelerators; `most` is None where nothing bounds it."""

    least: int = 0
    most: int | None = 0


class Product(NamedTuple):
    """What accelerators are counted by."""

    resource: str
    name: str


def sizes(variant: Variant) -> tuple[RoleSize, ...]:
    return tuple(_size(variant, key) for key in variant.roles)


def _size(variant: Variant, key: str) -> RoleSize:
    role = variant.roles[key]
    scaling, accelerator = role.autoscaling, role.accelerator
    pods = group_of(role).size
    device = accelerator.resource if accelerator else None
    if accelerator is not None and accelerator.allocation == "dra":
        device = device or accelerator.name
    return RoleSize(
        key,
        variant.workload_name(key),
        scaling.min_replicas if scaling else role.replicas,
        variant.gpus(key) * pods,
        pods,
        device,
        accelerator.name if accelerator else None,
        scaling.max_replicas if scaling else role.replicas,
    )


def amounts(roles: Iterable[RoleSize]) -> Mapping[Product, Amount]:
    """Accelerators of all roles together, in order of their names."""
    found: dict[Product, Amount] = {}
    for role in roles:
        if role.resource is None:
            continue
        product = Product(role.resource, role.product or "")
        known, most = found.get(product, Amount()), role.total_most
        both = None if known.most is None or most is None else known.most + most
        found[product] = Amount(known.least + role.total, both)
    return dict(sorted(found.items()))
