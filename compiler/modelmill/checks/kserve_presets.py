"""C585: what KServe's presets say of a pod cannot be taken away, and may not contradict a role.

KServe lays a resource over its presets and takes nothing away: two sources of a volume or a
variable, or two handlers of a probe, are one object too many for the API server (kserve/kserve
v0.20, config/llmisvcconfig).
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.spec.pod import EnvSource
from modelmill.spec.role import Role
from modelmill.variant import Variant

VARIABLES = ("HOME", "HF_HUB_CACHE", "VLLM_LOGGING_LEVEL")
OF_WORKERS = ("VLLM_RANDOMIZE_DP_DUMMY_INPUTS",)
VOLUMES = {
    "home": "emptyDir",
    "tmp-dir": "emptyDir",
    "model-cache": "emptyDir",
    "dshm": "emptyDir",
    "tls-certs": "secret",
}
GRACE_SECONDS = 60
"""How long pods of the presets have to stop."""
TIMEOUT = "shutdown-timeout"
HANDLERS = ("exec", "tcpSocket", "grpc")
PROBES = ("startup", "readiness", "liveness")


def check(variant: Variant) -> Iterable[Diagnostic]:
    if variant.kserve is None:
        return
    for key, role in variant.roles.items():
        yield from _started(variant, key, role)
        yield from _probed(variant, key)
        yield from _variables(variant, key, role)
        yield from _volumes(variant, key, role)
        yield from _stopped(variant, key, role)


def _stopped(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """A pod that is killed while its engine still answers cuts those answers off."""
    timeout = role.engine.args.get(TIMEOUT) if role.engine is not None else None
    written = role.pod.termination_grace_period_seconds if role.pod is not None else None
    grace = GRACE_SECONDS if written is None else written
    if isinstance(timeout, int) and timeout > grace:
        yield warning(
            "C585",
            f"`{key}` may take {timeout} s to stop, and KServe ends its pods after {grace} s",
            variant.key_span_of("roles", key, "engine", "args", TIMEOUT),
            f"set `pod.terminationGracePeriodSeconds: {timeout + 20}`, or a shorter timeout",
        )


def _started(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    engine = role.engine
    if engine is not None and engine.type == "custom" and not engine.command:
        yield error(
            "C585",
            f"KServe would start vLLM in the pods of `{key}`: its presets have a command",
            variant.span_of("roles", key, "engine", "type"),
            "write `engine.command`, the image's own entry point",
        )


def _probed(variant: Variant, key: str) -> Iterable[Diagnostic]:
    for probe in PROBES:
        for handler in HANDLERS:
            node = variant.tree.get("roles", key, "probes", probe, handler)
            if node is not None and node.value is not None:
                yield error(
                    "C585",
                    f"a {probe} probe by `{handler}` cannot replace KServe's by `httpGet`",
                    node.key_span,
                    "write `httpGet`, or leave the probe to KServe",
                )


def _variables(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    env = role.engine.env if role.engine is not None else {}
    for name in (*VARIABLES, *OF_WORKERS):
        if isinstance(env.get(name), EnvSource):
            yield error(
                "C585",
                f"KServe's presets give {name} a value, beside which it can have no source",
                variant.key_span_of("roles", key, "engine", "env", name),
                "write its value",
            )


def _volumes(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    written = role.pod.volumes if role.pod is not None else {}
    for name, source in VOLUMES.items():
        other = next((kind for kind in written.get(name) or {} if kind != source), None)
        if other is not None:
            yield error(
                "C585",
                f"KServe's presets have a volume `{name}`, of {source}: it cannot be of {other}",
                variant.key_span_of("roles", key, "pod", "volumes", name),
                "give it another name",
            )
