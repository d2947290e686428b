"""C536: pods ask for nothing that the Pod Security Standard of their namespace refuses.

Source: kubernetes/pod-security-admission, policy/check_*.go, as of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.model_cache import cache_of
from modelmill.variant import Variant

Place = tuple[str, ...]
BASELINE = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
RESTRICTED = frozenset({"NET_BIND_SERVICE"})
HINT = "take it out, or give these pods an environment whose `podSecurity` is privileged"


def check(variant: Variant) -> Iterable[Diagnostic]:
    overlay = variant.overlay
    level = overlay.record.pod_security if overlay else None
    if overlay is None or level not in ("baseline", "restricted"):
        return
    told = Note(f"`{overlay.name}` enforces {level}", overlay.node.nearest("podSecurity").span)
    allowed = BASELINE if level == "baseline" else RESTRICTED
    for place, what in _asked(variant, allowed):
        message = f"{what}, which the Pod Security Standard {level} refuses"
        yield error("C536", message, variant.span_of(*place), HINT, [told])


def _asked(variant: Variant, allowed: frozenset[str]) -> Iterable[tuple[Place, str]]:
    """Where pods ask for more, and what."""
    for place, pod in variant.pods_written():
        shared = {"hostNetwork": pod.host_network, "hostIPC": pod.host_ipc, "hostPID": pod.host_pid}
        for field, value in shared.items():
            if value:
                yield (*place, field), f"`{field}` shares a namespace of the node"
        for name, volume in pod.volumes.items():
            if isinstance(volume, Mapping) and "hostPath" in volume:
                yield (*place, "volumes", name), f"the volume `{name}` is a folder of the node"
    cache = cache_of(variant)
    if cache is not None and cache.node is not None and variant.spec.model.uri.startswith("hf://"):
        yield ("model", "cache", "node"), "the cache is kept in a folder of the node"
    for place, container in variant.containers_written():
        security: Any = container.security_context
        if isinstance(security, Mapping):
            yield from _privileges((*place, "securityContext"), security, allowed)
        for name, port in container.ports.items():
            if isinstance(port, Mapping) and port.get("hostPort"):
                yield (*place, "ports", name), f"the port `{name}` is one of the node"


def _privileges(
    place: Place, security: Mapping[str, Any], allowed: frozenset[str]
) -> Iterable[tuple[Place, str]]:
    if security.get("privileged") is True:
        yield (*place, "privileged"), "the container is privileged"
    capabilities = security.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, Mapping) else None
    refused = [
        f"`{each}`"
        for each in (added if isinstance(added, list | tuple) else ())
        if isinstance(each, str) and each not in allowed
    ]
    if refused:
        what = f"the container adds {' and '.join(refused)}"
        yield (*place, "capabilities", "add"), what
