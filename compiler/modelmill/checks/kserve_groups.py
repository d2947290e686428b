"""C583: KServe starts as many pods and ranks as a role has.

Source: kserve/kserve v0.20, pkg/controller/v1alpha2/llmisvc/workload_multi_node.go and the presets
in config/llmisvcconfig.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.groups import group_of, load_balancing, size_of
from modelmill.spec.engine import Parallelism
from modelmill.spec.role import Role
from modelmill.variant import Variant


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    for key, role in variant.roles.items():
        yield from _balanced(variant, key, role)
        if role.worker is not None:
            yield from _sized(variant, key, role)


def _balanced(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    balancing = load_balancing(role)
    if balancing != "internal":
        yield error(
            "C583",
            f"`{balancing}` gives each rank of `{key}` a port: KServe has one for them all",
            variant.span_of("roles", key, "parallelism", "loadBalancing"),
            "set `loadBalancing: internal` there",
        )


def _sized(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    sizes, group, wanted = role.parallelism or Parallelism(), group_of(role), size_of(role)
    place = ("roles", key, "parallelism")
    if sizes.data is None and sizes.data_local is None:
        if sizes.pipeline is not None:
            yield error(
                "C583",
                "KServe ships no preset for a pipeline over several pods",
                variant.span_of(*place, "pipeline"),
                "spread the role by data parallel ranks, or write a preset "
                "config-llm-worker-pipeline-parallel and accept this",
            )
        return
    if group.nodes > 1:
        yield error(
            "C583",
            f"a rank of `{key}` takes {group.nodes} pods: KServe gives it one",
            variant.span_of(*place, "data"),
            "let a rank fit into a node",
        )
    elif group.data % group.ranks:
        yield error(
            "C583",
            f"{group.data} ranks do not divide by {group.ranks}: KServe would start fewer",
            variant.span_of(*place, "data"),
            "make `data` a multiple of `dataLocal`",
        )
    elif wanted is not None and wanted != max(group.data // group.ranks, 1):
        yield error(
            "C583",
            f"`{key}` is to have {wanted} pods in a group, and KServe makes "
            f"{max(group.data // group.ranks, 1)}: `data` by `dataLocal`",
            variant.span_of("roles", key, "worker", "size"),
            "leave `size` out",
        )
