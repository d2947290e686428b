"""C538: the controller of dual pods finds the server and its port, and can put it to sleep.

Source: llm-d-incubation/llm-d-fast-model-actuation, pkg/controller/utils/pod-helper.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error
from modelmill.engine_container import REQUESTED_CONTAINER
from modelmill.engine_resources import accelerator_request
from modelmill.spec.dual_pods import DualPods
from modelmill.spec.role import Role
from modelmill.variant import Variant

READS = (
    "accelerator container defaults dual_pods engine.type parallelism pod_disruption_budget "
    "probes worker"
)
# Engines without the /sleep and /wake_up of vLLM.
SLEEPLESS = frozenset({"sglang"})


def check(variant: Variant) -> Iterable[Diagnostic]:
    for key, role in variant.roles.items():
        if role.dual_pods is not None:
            yield from _named(variant, key, role)
            yield from _probed(variant, key, role)
            yield from _limited(variant, key, role.dual_pods)
            yield from _budgeted(variant, key, role)
            if role.engine is not None and role.engine.type in SLEEPLESS:
                yield error(
                    "C538",
                    f"`{key}` has dual pods, and {role.engine.type} cannot be put to sleep",
                    variant.span_of("roles", key, "engine", "type"),
                    "choose the engine vllm, or take `dualPods` out",
                )


def _named(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    name = role.container.name if role.container else None
    if name not in (None, REQUESTED_CONTAINER):
        yield error(
            "C538",
            f"the controller of dual pods looks for a container `{REQUESTED_CONTAINER}`, "
            f"not `{name}`",
            variant.span_of("roles", key, "container", "name"),
            "leave the name out",
        )


def _limited(variant: Variant, key: str, dual: DualPods) -> Iterable[Diagnostic]:
    for name in sorted(accelerator_request(variant, key).keys() & dual.limits.keys()):
        yield error(
            "C538",
            f"the requester of `{key}` holds as many {name} as its replica needs",
            variant.key_span_of("roles", key, "dualPods", "limits", name),
            "leave it out: it is computed",
        )


def _budgeted(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Of pods without a controller Kubernetes counts only how many there are."""
    budget = role.pod_disruption_budget
    if budget is not None and not (budget.min_available or "%").isdigit():
        yield error(
            "C538",
            f"the pods of `{key}` that serve belong to no workload: a budget can only be a number "
            "that must stay",
            variant.span_of("roles", key, "podDisruptionBudget"),
            "set `podDisruptionBudget: {minAvailable: …}`, a number of pods",
        )


def _probed(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    probe = role.probes.readiness if role.probes else None
    written = probe is not None and (probe.exec or probe.tcp_socket or probe.grpc)
    lacks = variant.is_bare(key) and (probe is None or probe.http_get is None)
    if written or lacks:
        yield error(
            "C538",
            f"the controller of dual pods takes the port of `{key}` from an HTTP readiness probe, "
            "and there is none",
            variant.span_of("roles", key, "probes", "readiness"),
            "set `probes.readiness.httpGet`",
        )
