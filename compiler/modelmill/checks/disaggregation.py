"""C508, C509: prefill and decode need each other, and a way to hand the KV cache over."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = "engine.argv engine.type kv_transfer parallelism type worker"
# vLLM's and SGLang's.
TRANSFER_FLAGS = ("--kv-transfer-config", "--disaggregation-mode")


def check(variant: Variant) -> Iterable[Diagnostic]:
    if not variant.is_disaggregated:
        yield from _waits_for_prefill(variant)
        return
    types = {key: variant.role_type(key) for key in variant.spec.roles}
    if all(role_type == "prefill" for role_type in types.values()):
        key = next(iter(types))
        yield error(
            "C508",
            f"`{key}` only prefills, and no role decodes",
            variant.key_span_of("roles", key),
            "add a role `decode`",
        )
    without = [key for key, role in variant.roles.items() if not _hands_over(role)]
    if without:
        yield error(
            "C509",
            f"{' and '.join(f'`{key}`' for key in without)} split requests into prefill and decode "
            "without a KV connector: decode would compute every prompt again",
            variant.key_span_of("roles", without[0], "kvTransfer"),
            "set `kvTransfer: {connector: nixl}` at the top of `spec`",
        )
    connectors = {
        role.kv_transfer.connector for role in variant.spec.roles.values() if role.kv_transfer
    }
    if len(connectors) > 1:
        key = list(types)[-1]
        yield error(
            "C509",
            f"roles of one model use different KV connectors: {', '.join(sorted(connectors))}",
            variant.span_of("roles", key, "kvTransfer"),
            "set `kvTransfer` once, for all roles",
        )
    yield from _stages(variant)


def _stages(variant: Variant) -> Iterable[Diagnostic]:
    """vLLM's NIXL connector refuses pipeline stages as it starts, and no decode takes them
    (vllm-project/vllm, kv_connector/v1/base.py; #44528)."""
    for key, role in variant.roles.items():
        engine, transfer, sizes = role.engine, role.kv_transfer, role.parallelism
        told = engine is not None and engine.type == "vllm" and engine.argv is None
        if not told or transfer is None or sizes is None or (sizes.pipeline or 1) == 1:
            continue
        decodes = variant.role_type(key) != "prefill"
        if decodes or (transfer.connector == "nixl" and "kv_connector" not in transfer.config):
            side = "hands no KV cache over to" if decodes else "hands no KV cache over by NIXL from"
            yield error(
                "C509",
                f"vLLM {side} the {sizes.pipeline} pipeline stages of `{key}`",
                variant.span_of("roles", key, "parallelism", "pipeline"),
                "spread it by `tensor` over its nodes; only prefill has stages, with `kvTransfer: "
                "{connector: mooncake}`",
            )


def _hands_over(role: Role) -> bool:
    """Whether KV cache is transferred, by the field or by a command line people wrote."""
    words = (role.engine.argv if role.engine is not None else None) or ()
    spelled = " ".join(map(str, words)).replace("_", "-")
    return role.kv_transfer is not None or any(flag in spelled for flag in TRANSFER_FLAGS)


def _waits_for_prefill(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.kv_transfer is not None:
            yield error(
                "C508",
                f"`{key}` takes its KV cache from prefill pods, and no role prefills",
                variant.key_span_of("roles", key, "kvTransfer"),
                "add a role `prefill`, or unset `kvTransfer` and the routing that goes with it",
            )
