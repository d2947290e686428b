"""C580: what a model sets has a place in KServe's resource, or beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, error
from modelmill.kserve.engine import MAIN, SCRIPTED
from modelmill.kserve.pods import SIDECAR
from modelmill.kserve_identity import PORT, PORT_BEHIND_SIDECAR
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

ROLES = "roles"
LEAVE_OUT = "leave it out in environments whose target is kserve"
TOPOLOGY = "write it under `kserve.annotations`: leaderworkerset.sigs.k8s.io/exclusive-topology"


class Setting(NamedTuple):
    """A setting, the values of it that are as KServe has them, what KServe does instead, and what
    to do."""

    path: tuple[str, ...]
    allowed: tuple[Any, ...]
    says: str
    hint: str = LEAVE_OUT


# Of a role below its key; of the model as it stands.
OF_ROLES = (
    Setting(("name",), (), "KServe names the workload of `{key}`"),
    Setting(("selector",), (), "KServe chooses the labels it knows pods of `{key}` by"),
    Setting(("dualPods",), (None,), "KServe has no dual pods"),
    Setting(("container", "name"), (MAIN,), f"KServe knows the engine's container as `{MAIN}`"),
    Setting(
        ("strategy", "type"),
        ("RollingUpdate",),
        "KServe replaces pods by rolling updates alone",
        "set maxSurge: 0 and maxUnavailable instead",
    ),
    Setting(("strategy", "partition"), (None, 0), "KServe has no partition of a rollout"),
    Setting(
        ("worker", "restartPolicy"),
        ("RecreateGroupOnPodRestart",),
        "KServe recreates a group when one of its pods restarts",
    ),
    Setting(
        ("worker", "startupPolicy"), ("LeaderCreated",), "KServe starts workers with their leader"
    ),
    Setting(("worker", "subdomainPolicy"), ("Shared",), "KServe's groups share a subdomain"),
    Setting(
        ("worker", "exclusiveTopology"),
        (),
        "KServe's resource has no topology of `{key}`",
        TOPOLOGY,
    ),
    Setting(("worker", "subGroup"), (), "KServe makes subgroups itself"),
    Setting(("worker", "subGroupExclusiveTopology"), (), "KServe makes subgroups itself"),
    Setting(
        ("worker", "volumeClaimTemplates"),
        (),
        "KServe's groups claim no volumes of their own",
        "use an ephemeral volume of `pod.volumes`",
    ),
)
OF_MODEL = (
    Setting(("routing", "port"), (PORT,), f"KServe serves models on port {PORT}"),
    Setting(
        ("routing", "tls"),
        (None,),
        "KServe makes the certificates of models itself, for all of a cluster or for none",
        "unset it there; its ConfigMap has enableLLMInferenceServiceTLS",
    ),
    Setting(("routing", "service", "create"), (True,), "KServe always makes a Service"),
    Setting(("routing", "route", "metadata"), (None,), "KServe labels its HTTPRoute itself"),
    Setting(
        ("routing", "sidecar", "modelServerPort"),
        (PORT_BEHIND_SIDECAR,),
        f"KServe's engines listen on port {PORT_BEHIND_SIDECAR} behind the routing sidecar",
    ),
    Setting(
        ("routing", "sidecar", "container", "name"),
        (SIDECAR,),
        f"KServe knows the routing sidecar as `{SIDECAR}`",
    ),
    Setting(
        ("routing", "scheduler", "container", "name"),
        (MAIN,),
        f"KServe knows the picker's container as `{MAIN}`",
    ),
    Setting(
        ("routing", "scheduler", "latencyPredictor", "predictionServers"),
        (1,),
        "KServe has one server that predicts latencies",
    ),
    Setting(
        ("routing", "scheduler", "tokenizer", "replicas"), (1,), "KServe has one tokenizer's pod"
    ),
    Setting(
        ("routing", "scheduler", "tokenizer", "port"),
        (PORT,),
        f"KServe's tokenizer has port {PORT}",
    ),
    Setting(
        ("routing", "scheduler", "tokenizer", "metadata"),
        (None,),
        "KServe labels the tokenizer's Deployment itself",
    ),
    Setting(
        ("routing", "scheduler", "tokenizer", "container", "name"),
        (MAIN,),
        f"KServe knows the tokenizer's container as `{MAIN}`",
    ),
)


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    for setting in OF_MODEL:
        yield from _judged(variant, setting.path, setting)
    for key in variant.roles:
        for setting in OF_ROLES:
            yield from _judged(variant, (ROLES, key, *setting.path), setting, key)
        yield from _traced(variant, key)
    yield from _sidecar(variant)
    yield from _unseen_picker(variant)


def _judged(
    variant: Variant, path: tuple[str, ...], setting: Setting, key: str = ""
) -> Iterator[Diagnostic]:
    node = variant.tree.get(*path)
    if node is None or node.value in (None, {}) or node.value in setting.allowed:
        return
    if path[1:2] == ("scheduler",) and variant.scheduler is None:
        return
    yield error("C580", setting.says.format(key=key), node.key_span, setting.hint)


def _traced(variant: Variant, key: str) -> Iterator[Diagnostic]:
    engine = variant.roles[key].engine
    if variant.spec.tracing is not None and engine is not None and engine.type != SCRIPTED:
        yield error(
            "C580",
            f"KServe traces vLLM: it would add flags that {engine.type} in `{key}` does not know",
            variant.key_span_of("tracing"),
            "unset it there",
        )


def _sidecar(variant: Variant) -> Iterator[Diagnostic]:
    wanted = variant.sidecar.enabled
    if wanted is not None and wanted != variant.is_disaggregated:
        has = "always" if variant.is_disaggregated else "never"
        why = "a prefill role" if variant.is_disaggregated else "none for prefill"
        yield error(
            "C580",
            f"KServe {has} has a routing sidecar where there is {why}",
            variant.span_of("routing", "sidecar", "enabled"),
            LEAVE_OUT,
        )


def _unseen_picker(variant: Variant) -> Iterator[Diagnostic]:
    """A picker that only `kserve.fields` asks for: no rule would let it watch the pods."""
    asked = variant.tree.get("kserve", "fields", "router", "scheduler")
    if asked is None or variant.scheduler is not None or variant.spec.network_policy is None:
        return
    yield error(
        "C580",
        "`networkPolicy` shuts out the endpoint picker that `kserve.fields` asks for",
        asked.key_span,
        "write what it chooses by in `routing.scheduler.config`, or unset `networkPolicy`",
    )
