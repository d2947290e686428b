"""C505–C507: the accelerators a pod asks for follow from its parallelism, and must fit a node."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.claims import has_claimed_accelerators
from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.groups import group_of
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = "accelerator parallelism resources worker"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.accelerator is None and variant.kserve is not None:
            # KServe derives nothing from one: `resources` may say it all.
            continue
        if role.accelerator is None:
            yield error(
                "C505",
                f"the role `{key}` has no accelerator",
                variant.key_span_of("roles", key, "accelerator"),
                "extend an accelerator's preset (there is one for CPU), or set `accelerator`",
            )
            continue
        yield from _fits_node(variant, key, role)
        yield from _agrees(variant, key, role)


def _fits_node(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    accelerator, count = role.accelerator, variant.gpus(key)
    if accelerator is None or accelerator.per_node is None:
        return
    if accelerator.resource is None and not has_claimed_accelerators(role):
        return
    if count > accelerator.per_node:
        yield error(
            "C506",
            f"`{key}` needs {count} accelerators in one pod ({_product(role)}), "
            f"and a node has {accelerator.per_node}",
            variant.span_of("roles", key, "parallelism"),
            _hint(role),
            [
                Note(
                    f"{accelerator.name}: {accelerator.per_node} to a node",
                    variant.span_of("roles", key, "accelerator", "perNode"),
                )
            ],
        )


def _hint(role: Role) -> str:
    if role.worker is None:
        return "lower the parallelism, or spread the replica over several nodes: `worker: {}`"
    return "spread it over more pods: lower `parallelism.dataLocal`, or raise `worker.size`"


def _agrees(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """A count written by hand must be what parallelism says: vLLM starts one process a rank."""
    accelerator = role.accelerator
    if accelerator is None or accelerator.resource is None or role.resources is None:
        return
    count = variant.gpus(key)
    for side in ("requests", "limits"):
        written = getattr(role.resources, side).get(accelerator.resource)
        if written is not None and has_claimed_accelerators(role):
            yield error(
                "C507",
                f"`{key}` claims its accelerators, and asks for {written} {accelerator.resource} "
                "as well",
                variant.span_of("roles", key, "resources", side, accelerator.resource),
                "leave it out, or set `accelerator.allocation` to device-plugin",
            )
        elif written is not None and written != str(count):
            yield error(
                "C507",
                f"`{key}` asks for {written} {accelerator.resource}, its parallelism needs {count}"
                f" ({_product(role)})",
                variant.span_of("roles", key, "resources", side, accelerator.resource),
                "leave it out: it is computed",
                [Note("parallelism is set here", variant.span_of("roles", key, "parallelism"))],
            )


def _product(role: Role) -> str:
    parallelism, group = role.parallelism, group_of(role)
    if parallelism is None:
        return "no parallelism: 1"
    local = (group.size > 1 and group.nodes == 1) or parallelism.data_local is not None
    sizes = {
        "tensor": parallelism.tensor,
        "pipeline": parallelism.pipeline,
        "dataLocal" if local else "data": group.ranks if local else parallelism.data,
    }
    product = " × ".join(f"{name} {size}" for name, size in sizes.items() if size)
    over = f" over {group.size} pods" if group.nodes > 1 else ""
    return (product or "no parallelism: 1") + over
