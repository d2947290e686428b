"""C555, C563: a route and a picker fit the Gateway they are behind.

Of a Gateway that is not generated here nothing but its provider is known, if that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, Note, did_you_mean, error
from modelmill.gateways import answers, namespace_of, taken_from
from modelmill.routes import route_namespace
from modelmill.spec.gateways import Listener, ManagedGateway
from modelmill.variant import Variant

READS = "environment routing.gateway routing.route routing.scheduler.config routing.scheduler.flags"
PLACE = ("routing", "gateway")
SECURE = "secure-serving"


def check(variant: Variant) -> Iterable[Diagnostic]:
    yield from _asked(variant)
    overlay, managed = variant.overlay, variant.managed_gateway
    if overlay is None or managed is None or variant.gateway is None:
        return
    section, listeners = variant.gateway.section_name, managed.listeners
    note = [
        Note("it is here", overlay.node.nearest("gateways", variant.gateway.name or "").key_span)
    ]
    yield from _contradictions(variant, overlay, managed, note)
    if section is not None and section not in listeners:
        hint = did_you_mean(section, listeners) or "it has " + ", ".join(sorted(listeners))
        message = f"the Gateway `{variant.gateway.name}` has no listener `{section}`"
        yield error("C563", message, variant.span_of(*PLACE, "sectionName"), hint, note)
        return
    namespaces = (None, route_namespace(variant))
    own = {
        name: each
        for name, each in listeners.items()
        if section in (None, name) and taken_from(overlay, managed, each) in namespaces
    }
    if listeners and not own:
        which = f"the listener `{section}`" if section else "no listener"
        does = "does not take" if section else "takes"
        message = f"{which} of the Gateway `{variant.gateway.name}` {does} routes of the namespace "
        message += f"`{route_namespace(variant)}`"
        hint = "set its `allowedRoutes`: Same is the Gateway's own namespace, All is every one"
        yield error("C563", message, variant.span_of(*PLACE), hint, note)
    elif own:
        yield from _hosts(variant, own, note)


def _asked(variant: Variant) -> Iterable[Diagnostic]:
    """Whether the picker serves by TLS, as its Gateway asks it."""
    said = variant.scheduler.flags.get(SECURE, "") if variant.scheduler is not None else ""
    secure, provider = str(said).lower(), variant.gateway_provider
    speaks = {"istio": "true", "agentgateway": "false"}.get(provider or "", secure)
    if secure and secure != speaks:
        how = "by TLS" if speaks == "true" else "without TLS"
        message = f"a Gateway of `{provider}` asks the picker {how}"
        span = variant.span_of("routing", "scheduler", "flags", SECURE)
        yield error("C555", message, span, "leave it out: it is derived")


def _contradictions(
    variant: Variant, overlay: Document, managed: ManagedGateway, note: list[Note]
) -> Iterable[Diagnostic]:
    gateway = variant.gateway
    assert gateway is not None
    where, hint = namespace_of(overlay, managed), "leave it out: it follows from the environment's"
    if gateway.namespace not in (None, where):
        message = f"the environment's own Gateway `{gateway.name}` is in the namespace `{where}`"
        yield error("C563", message, variant.span_of(*PLACE, "namespace"), hint, note)
    if gateway.provider is not None and gateway.provider != managed.provider:
        message = f"the environment's own Gateway `{gateway.name}` is "
        message += f"of the provider `{managed.provider}`" if managed.provider else "of no provider"
        yield error("C563", message, variant.span_of(*PLACE, "provider"), hint, note)


def _hosts(
    variant: Variant, listeners: Mapping[str, Listener], note: list[Note]
) -> Iterable[Diagnostic]:
    """Host names that no listener has: a Gateway leaves them out without a word."""
    known = sorted({each.hostname for each in listeners.values() if each.hostname})
    assert variant.gateway is not None
    for index, host in enumerate(variant.route.hostnames):
        if not any(answers(each, host) for each in listeners.values()):
            span = variant.span_of("routing", "route", "hostnames", index)
            message = f"no listener of the Gateway `{variant.gateway.name}` answers to `{host}`"
            yield error("C563", message, span, "there are " + ", ".join(known), note)
