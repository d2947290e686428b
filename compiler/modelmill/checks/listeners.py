"""C563: the listeners of an environment's own Gateways can be."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.catalog import Document
from modelmill.diagnostics import Diagnostic, Note, error
from modelmill.gateways import is_https, port_of
from modelmill.spec.gateways import Listener

MOST = {"listeners": 64, "addresses": 16}
"""Limits of the CustomResourceDefinition of Gateways."""


def check(overlay: Document) -> Iterable[Diagnostic]:
    for name, gateway in overlay.record.gateways.items():
        place = overlay.node.nearest("gateways", name)
        if not gateway.listeners:
            message = f"the Gateway `{name}` has no listener"
            yield error("C563", message, place.key_span, "add one: `listeners: {http: {}}`")
        for field, most in MOST.items():
            given = len(getattr(gateway, field))
            if given > most:
                message = f"the Gateway `{name}` has {given} {field}, and may have {most}"
                yield error("C563", message, place.nearest(field).key_span, "take some out")
        seen: dict[str, Listener] = {}
        for key, listener in gateway.listeners.items():
            span = place.nearest("listeners", key).key_span
            if listener.issuer is not None and listener.hostname is None:
                message = f"the listener `{key}` has no `hostname`, and its certificate needs one"
                yield error("C563", message, span, "set `hostname`, or a `secretName`")
            for first, other in seen.items():
                fault = _conflict(other, listener)
                if fault:
                    message = f"the listeners `{first}` and `{key}` {fault}"
                    note = Note(f"`{first}` is here", place.nearest("listeners", first).key_span)
                    yield error("C563", message, span, "give one another port", [note])
                    break
            seen[key] = listener


def _conflict(one: Listener, other: Listener) -> str:
    """Why two listeners cannot be beside each other (Gateway API, Gateway.spec.listeners)."""
    if port_of(one) != port_of(other):
        return ""
    if is_https(one) != is_https(other):
        return f"speak HTTP and HTTPS on the port {port_of(one)}"
    return "have the same port and host name" if one.hostname == other.hostname else ""
