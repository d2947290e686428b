"""C574: what prefill, decode, sidecar and network are each told fits together.

Sources: llm-d guides/pd-disaggregation and guides/wide-ep-lws; deepseek-ai/DeepEP,
deep_ep/buffer.py; vLLM v0.26.0 (vllm/envs.py, model_executor/layers/fused_moe).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from modelmill.diagnostics import Diagnostic, error
from modelmill.engines import ENGINES
from modelmill.spec.pod import EnvSource
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = (
    "engine.args engine.env.NVSHMEM_QP_DEPTH engine.env.VLLM_HTTP_TIMEOUT_KEEP_ALIVE "
    "engine.type kv_transfer resources routing.sidecar type"
)
KEEP_ALIVE = "VLLM_HTTP_TIMEOUT_KEEP_ALIVE"
SIDECAR_IDLE_SECONDS = 90
QUEUE_DEPTH = "NVSHMEM_QP_DEPTH"
LOW_LATENCY = "deepep_low_latency"


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.engine is None:
            continue
        if variant.is_disaggregated and variant.role_type(key) == "prefill":
            yield from _keeps_alive(variant, key, role)
        yield from _connector(variant, key, role)
        yield from _queue_depth(variant, key, role)
        yield from _extended(variant, key, role)


def _number(role: Role, name: str) -> int | None:
    value = role.engine.env.get(name) if role.engine is not None else None
    text = "" if value is None or isinstance(value, EnvSource) else str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _keeps_alive(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    seconds = _number(role, KEEP_ALIVE)
    if seconds is not None and seconds <= SIDECAR_IDLE_SECONDS:
        yield error(
            "C574",
            f"`{key}` closes idle connections after {seconds} s, which the sidecar keeps for "
            f"{SIDECAR_IDLE_SECONDS} s: requests on them are reset",
            variant.span_of("roles", key, "engine", "env", KEEP_ALIVE),
            "leave it out: 120 is derived",
        )


def _connector(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Engine and sidecar speak the same connector's language."""
    transfer = role.kv_transfer
    if transfer is None or role.engine is None:
        return
    if "kv_connector" in transfer.config:
        yield error(
            "C574",
            f"`{key}` is told another connector than the sidecar, which goes by "
            f"`connector: {transfer.connector}`",
            variant.key_span_of("roles", key, "kvTransfer", "config", "kv_connector"),
            "leave it out, and set `kvTransfer.connector`",
        )
    words = [str(word) for word in variant.sidecar.argv]
    told = dict(pairwise(words)).get("--kv-connector")
    told = next((w.partition("=")[2] for w in words if w.startswith("--kv-connector=")), told)
    wanted = ENGINES[role.engine.type].SIDECAR_CONNECTORS[transfer.connector]
    if variant.has_sidecar(key) and told is not None and told != wanted:
        yield error(
            "C574",
            f"the sidecar of `{key}` is told `{told}`, and its engine {transfer.connector}, which "
            f"is `{wanted}` to a sidecar",
            variant.span_of("routing", "sidecar", "argv"),
            f"write --kv-connector={wanted}",
        )


def _queue_depth(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """DeepEP's low-latency kernels have two work requests in flight for each token of a batch, and
    stop where the queue is shorter."""
    assert role.engine is not None
    depth, tokens = _number(role, QUEUE_DEPTH), role.engine.args.get("max-num-batched-tokens")
    if role.engine.args.get("all2all-backend") != LOW_LATENCY:
        return
    if depth is not None and isinstance(tokens, int) and depth < (tokens + 1) * 2:
        yield error(
            "C574",
            f"a queue of {depth} is too short for batches of {tokens} tokens",
            variant.span_of("roles", key, "engine", "env", QUEUE_DEPTH),
            f"set {QUEUE_DEPTH} to {(tokens + 1) * 2} or more",
        )


def _extended(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Devices cannot be overcommitted: Kubernetes refuses a request that is not the limit."""
    asked = role.resources
    if asked is None:
        return
    for name, wanted in asked.requests.items():
        domain, slash, _ = name.partition("/")
        own = not slash or domain.endswith("kubernetes.io")
        limit = asked.limits.get(name)
        if own or limit is None or limit == wanted:
            continue
        yield error(
            "C574",
            f"`{key}` requests {wanted} {name} and is limited to {limit}; Kubernetes wants both "
            "equal",
            variant.span_of("roles", key, "resources", "requests", name),
            "write the same number in both",
        )
