"""The routing sidecar of decode pods, and the ports it stands between.

In: a release. Out: the sidecar as an init container that stays, and the facts of `routing`
(_helpers.tpl routingProxy, vllmPort; decode-deployment.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, warning
from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart import tracing
from modelmill.importers.modelservice_chart.facts import Proxy, RoutingFacts
from modelmill.importers.modelservice_chart.release import (
    Release,
    full_name,
    is_former,
    picker_name,
)

SERVICE_PORT = 8000
TARGET_PORT = 8200
NAME = "routing-proxy"

_LOGGING = ("zapDevel", "zapEncoder", "zapLogLevel", "zapStacktraceLevel", "zapTimeEncoding")
FLAGS: dict[str, str] = {
    "zapDevel": "--zap-devel",
    "zapEncoder": "--zap-encoder",
    "zapLogLevel": "--zap-log-level",
    "zapStacktraceLevel": "--zap-stacktrace-level",
    "zapTimeEncoding": "--zap-time-encoding",
    "secure": "--secure-proxy",
    "prefillerUseTLS": "--prefiller-use-tls",
    "certPath": "--cert-path",
}
"""Keys of `routing.proxy` that become flags where they are set, in the chart's order."""


def service_port(release: Release) -> int:
    return int(release.get("routing", "servicePort") or SERVICE_PORT)


def target_port(release: Release) -> int:
    return int(release.get("routing", "proxy", "targetPort") or TARGET_PORT)


def has_sidecar(release: Release) -> bool:
    """Whether decode pods have the sidecar; with `enabled` unset that hangs on initContainers."""
    enabled = release.get("routing", "proxy", "enabled")
    if enabled is None and not is_former(release):
        return bool(release.get("decode", "initContainers") or _is_requester(release))
    return enabled is not False


def _is_requester(release: Release) -> bool:
    return bool(release.get("requester", "enable") and not release.get("multinode"))


def sidecar(release: Release) -> dict[str, Any]:
    """The sidecar's container."""
    proxy = release.get("routing", "proxy") or {}
    found: dict[str, Any] = {
        "name": NAME,
        "args": arguments(release),
        "image": proxy.get("image"),
        "imagePullPolicy": proxy.get("imagePullPolicy") or "Always",
        "env": tracing.environment(release, None),
        "ports": [{"containerPort": service_port(release)}],
        "restartPolicy": "Always",
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
    }
    return {key: value for key, value in found.items() if value}


def arguments(release: Release) -> list[str]:
    proxy = release.get("routing", "proxy") or {}
    found = [
        f"--port={service_port(release)}",
        f"--vllm-port={target_port(release)}",
        f"--connector={proxy.get('connector') or 'nixlv2'}",
    ]
    if is_former(release):
        found.append(f"-v={proxy.get('debugLevel') or 5}")
    return [*found, *(f"{FLAGS[key]}={written(proxy[key])}" for key in options(release))]


def options(release: Release) -> list[str]:
    """The keys of `routing.proxy` that become flags."""
    proxy = release.get("routing", "proxy") or {}
    known = [key for key in FLAGS if not (is_former(release) and key in _LOGGING)]
    return [key for key in known if proxy.get(key) is not None]


def facts(release: Release) -> RoutingFacts:
    proxy = release.get("routing", "proxy") or {}
    found = None
    if has_sidecar(release):
        found = Proxy(
            image=str(proxy.get("image")),
            image_pull_policy=str(proxy.get("imagePullPolicy") or "Always"),
            connector=str(proxy.get("connector") or "nixlv2"),
            target_port=target_port(release),
            options={key: proxy[key] for key in options(release)},
        )
    gateways = tuple(release.get("routing", "parentRefs") or ())
    if not is_former(release):
        return RoutingFacts(service_port(release), found, parent_refs=gateways)
    pool = release.get("routing", "inferencePool", "name") or full_name(release)
    return RoutingFacts(
        service_port(release),
        found,
        picker=picker_name(release) if release.get("routing", "epp", "create") else None,
        pool=str(pool) if release.get("routing", "inferencePool", "create") else None,
        route=full_name(release) if release.get("routing", "httpRoute", "create") else None,
        parent_refs=gateways,
    )


def findings(release: Release) -> Iterator[Diagnostic]:
    """What is wrong with the ports, and a sidecar that routes nothing."""
    if not release.get("decode", "create"):
        return
    enabled = release.get("routing", "proxy", "enabled")
    span = release.at("routing", "proxy", "enabled")
    if enabled is None and not has_sidecar(release):
        yield warning(
            "I809",
            "with `routing.proxy.enabled` unset the chart leaves the sidecar out but lets the "
            f"engine listen behind it, where nothing reaches it: taken over on port "
            f"{service_port(release)}",
            span,
            "write `enabled: true` or `enabled: false`",
        )
    if has_sidecar(release) and service_port(release) == target_port(release):
        yield warning(
            "I814",
            f"sidecar and engine of decode both listen on port {service_port(release)}: one of "
            "them cannot start; kept as it is",
            release.at("routing", "proxy", "targetPort"),
            "give `routing.proxy.targetPort` another port",
        )
    if has_sidecar(release) and not release.get("prefill", "create"):
        yield warning(
            "I814",
            "decode pods have the routing sidecar but there is no prefill role to route to: kept "
            "as it runs",
            span,
            "set `routing.proxy.enabled: false` unless prefill pods come from elsewhere",
        )
