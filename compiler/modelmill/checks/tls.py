"""C564, C566, C511: a certificate is had, each pod serves by it, and gateways reach pods so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelmill import tls
from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.groups import ports_of
from modelmill.spec.role import Role
from modelmill.spec.tls import Tls
from modelmill.variant import Variant

PLACE = ("routing", "tls")
ISTIO, AGENTGATEWAY = "istio", "agentgateway"
# cert-manager's bounds and default (pkg/apis/certmanager/v1, const.go).
SHORTEST = 3600
SHORTEST_RENEWAL = 300
USUAL = "2160h"
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def check(variant: Variant) -> Iterable[Diagnostic]:
    asked = tls.tls_of(variant)
    if asked is None:
        return
    if asked.issuer is None and asked.secret_name is None:
        yield error(
            "C564",
            "`tls` has no certificate",
            variant.key_span_of(*PLACE),
            "set `issuer` to one of cert-manager's, or `secretName` to a Secret that exists",
        )
    yield from _durations(variant, asked)
    for key, role in variant.roles.items():
        yield from _role(variant, key, role)
    yield from _components(variant)
    yield from _gateway(variant, asked)


def _durations(variant: Variant, asked: Tls) -> Iterable[Diagnostic]:
    given = {"duration": asked.duration, "renewBefore": asked.renew_before}
    for name, value in given.items():
        if value is not None and asked.secret_name is not None:
            span = variant.key_span_of(*PLACE, name)
            message = f"`{name}` means nothing for a Secret that exists"
            yield warning("C564", message, span, "leave it out")
            return
    duration, renewal = _seconds(asked.duration or USUAL), _seconds(asked.renew_before or "")
    if duration < SHORTEST:
        span = variant.span_of(*PLACE, "duration")
        yield error(
            "C564", f"`{asked.duration}` is too short for a certificate", span, "1h or more"
        )
    if asked.renew_before is not None and not SHORTEST_RENEWAL <= renewal < duration:
        yield error(
            "C564",
            f"a certificate of {asked.duration or USUAL} cannot be renewed {asked.renew_before} "
            "before its end",
            variant.span_of(*PLACE, "renewBefore"),
            "5m or more, and less than `duration`",
        )


def _seconds(duration: str) -> float:
    found = re.findall(r"([0-9]+)(ms|h|m|s)", duration)
    return sum(int(number) * _SECONDS[unit] for number, unit in found)


def _role(variant: Variant, key: str, role: Role) -> Iterable[Diagnostic]:
    """Whether the role's engine can serve by TLS, and is told to."""
    span, engine = variant.key_span_of(*PLACE), role.engine
    if engine is None:
        return
    if variant.is_bare(key):
        message = f"`{key}` has `defaults: none`, so nothing tells its engine of TLS"
        yield error("C564", message, span, "take out `defaults: none`, or `tls`")
    elif role.dual_pods is not None:
        message = f"`{key}` has dual pods, whose controller asks servers by plain HTTP"
        yield error("C564", message, span, "take out `dualPods`, or `tls`")
    elif engine.argv is not None or engine.type == "custom":
        yield warning(
            "C564",
            f"`{key}` is told its arguments word for word, so not of TLS",
            span,
            f"name {tls.PATH}/tls.crt and {tls.PATH}/tls.key in its `argv`; they are mounted",
        )
    elif engine.type == "vllm" and ports_of(role) > 1:
        yield error(
            "C564",
            f"`{key}` has a port for each rank, which vLLM serves by plain HTTP only",
            span,
            "set `parallelism.loadBalancing: internal`, or put one rank in a pod",
        )


def _components(variant: Variant) -> Iterable[Diagnostic]:
    """What stands beside the engines."""
    proxied = any(variant.has_sidecar(key) for key in variant.roles)
    if proxied and variant.sidecar.argv:
        yield warning(
            "C564",
            "the routing sidecar is told its arguments word for word, so not of TLS",
            variant.key_span_of("routing", "sidecar", "argv"),
            "write them as `flags`",
        )
    scheduler = variant.scheduler
    if scheduler is not None and scheduler.tokenizer is not None and scheduler.tokenizer.separate:
        yield warning(
            "C564",
            "prompts reach a `separate` tokenizer by plain HTTP",
            variant.span_of("routing", "scheduler", "tokenizer", "separate"),
            "leave it out: the tokenizer then runs in the picker's pods",
        )
    written = {
        "sidecar": (variant.sidecar.flags, tls.sidecar_flags(variant)),
        "scheduler": (scheduler.flags if scheduler else {}, tls.picker_flags(variant)),
    }
    for component, (flags, derived) in written.items():
        for name in flags:
            if name in derived:
                span = variant.key_span_of("routing", component, "flags", name)
                yield error("C511", f"`{name}` is set from `routing.tls`", span, "leave it out")


def _gateway(variant: Variant, asked: Tls) -> Iterable[Diagnostic]:
    """How the Gateway comes to speak TLS to what the route leads to."""
    gateway, provider = variant.gateway, variant.gateway_provider
    if gateway is None:
        return
    span = variant.key_span_of(*PLACE)
    if variant.scheduler is None:
        if asked.ca_config_map is None:
            yield error(
                "C566",
                f"the Gateway `{gateway.name}` has nothing to check the certificate by",
                span,
                "set `caConfigMap`: trust-manager makes one of the issuer's certificate",
            )
    elif provider == AGENTGATEWAY:
        message = "agentgateway speaks to endpoint pickers without TLS"
        yield error("C566", message, span, "leave `tls` out, or use another Gateway")
    elif provider != ISTIO:
        yield error(
            "C566",
            f"nothing tells the Gateway `{gateway.name}` to speak TLS to the pods of a pool",
            span,
            "set `routing.gateway.provider` where it is Istio's; accept this where a mesh or an "
            "object of your own does it",
        )
