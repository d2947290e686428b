"""The Gateways an environment owns: their objects, and whose routes their listeners take.

In: an overlay's document. Out: each Gateway, the Certificates of its listeners and its provider's
own policy, all in the Gateway's namespace. Knows no model. Server-side defaults are written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelmill import names
from modelmill.catalog import Document
from modelmill.containers import Manifest, given
from modelmill.resource import Resource, resource
from modelmill.spec.gateways import Listener, ManagedGateway
from modelmill.spec.tls import Issuer

# A label that every namespace has (k8s.io/api/core/v1, LabelMetadataName).
NAMESPACE_NAME = "kubernetes.io/metadata.name"
# Istio, pilot/pkg/features: gateways with it hand requests to endpoint pickers (llm-d
# guides/recipes/gateway/istio).
INFERENCE_EXTPROC = {"istio.io/enable-inference-extproc": "true"}
# Envoy Gateway buffers 32 KiB of a request unless told otherwise, and prompts are longer: what the
# examples of Envoy AI Gateway have.
BUFFER_LIMIT = "50Mi"


def namespace_of(overlay: Document, gateway: ManagedGateway) -> str:
    return gateway.namespace or str(overlay.record.namespace)


def is_https(listener: Listener) -> bool:
    return listener.issuer is not None or listener.secret_name is not None


def port_of(listener: Listener) -> int:
    return listener.port or (443 if is_https(listener) else 80)


def answers(listener: Listener, hostname: str) -> bool:
    """Whether a route for the host name gets requests of the listener. `*.` stands for one label or
    more (Gateway API, HTTPRouteSpec.hostnames)."""
    own = listener.hostname
    if own is None or own == hostname:
        return True
    return any(
        wide.startswith("*.") and narrow.endswith(wide[1:])
        for wide, narrow in ((own, hostname), (hostname, own))
    )


def taken_from(overlay: Document, gateway: ManagedGateway, listener: Listener) -> str | None:
    """The one namespace whose routes the listener takes; None where it takes all."""
    if listener.allowed_routes == "All":
        return None
    if listener.allowed_routes == "Same":
        return namespace_of(overlay, gateway)
    return str(overlay.record.namespace)


def gateway_objects(overlay: Document, apis: Mapping[str, str]) -> Iterator[Resource]:
    """Everything of the overlay's `gateways`. `apis` is kind to `group/version`."""
    for name, gateway in sorted(overlay.record.gateways.items()):
        yield from _objects(overlay, name, gateway, apis)


def _objects(
    overlay: Document, name: str, gateway: ManagedGateway, apis: Mapping[str, str]
) -> Iterator[Resource]:
    namespace, listeners = namespace_of(overlay, gateway), sorted(gateway.listeners.items())
    labels = {names.MANAGED_BY: "modelmill"}
    said = gateway.metadata.labels if gateway.metadata else {}
    noted = gateway.metadata.annotations if gateway.metadata else {}
    derived = INFERENCE_EXTPROC if gateway.provider == "istio" else {}
    yield resource(
        apis["Gateway"],
        "Gateway",
        name,
        namespace=namespace,
        labels=dict(sorted({**derived, **said, **labels}.items())),
        annotations=dict(sorted(noted.items())),
        spec=given(
            gatewayClassName=gateway.class_name,
            infrastructure=gateway.infrastructure,
            addresses=[{"type": "IPAddress", **each} for each in gateway.addresses],
            listeners=[_listener(overlay, name, gateway, *each) for each in listeners],
        ),
    )
    for key, listener in listeners:
        if listener.issuer is not None and listener.hostname is not None:
            secret = _secret(name, key)
            spec = _certificate(secret, listener.hostname, listener.issuer)
            yield resource(
                apis["Certificate"],
                "Certificate",
                secret,
                namespace=namespace,
                labels=labels,
                spec=spec,
            )
    if gateway.provider == "envoy-gateway":
        target = {"group": apis["Gateway"].partition("/")[0], "kind": "Gateway", "name": name}
        yield resource(
            apis["ClientTrafficPolicy"],
            "ClientTrafficPolicy",
            name,
            namespace=namespace,
            labels=labels,
            spec={"targetRefs": [target], "connection": {"bufferLimit": BUFFER_LIMIT}},
        )


def _listener(
    overlay: Document, name: str, gateway: ManagedGateway, key: str, listener: Listener
) -> Manifest:
    secret = listener.secret_name or _secret(name, key)
    reference = {"group": "", "kind": "Secret", "name": secret}
    tls = {"mode": "Terminate", "certificateRefs": [reference]}
    return {
        "name": key,
        "port": port_of(listener),
        "protocol": "HTTPS" if is_https(listener) else "HTTP",
        **given(hostname=listener.hostname, tls=tls if is_https(listener) else None),
        "allowedRoutes": {"namespaces": _namespaces(overlay, gateway, listener)},
    }


def _namespaces(overlay: Document, gateway: ManagedGateway, listener: Listener) -> Manifest:
    """RouteNamespaces of a listener."""
    taken = taken_from(overlay, gateway, listener)
    if taken is None:
        return {"from": "All"}
    if taken == namespace_of(overlay, gateway):
        return {"from": "Same"}
    return {"from": "Selector", "selector": {"matchLabels": {NAMESPACE_NAME: taken}}}


def _secret(gateway: str, listener: str) -> str:
    """Name of the Certificate of a listener, and of the Secret that cert-manager keeps it in."""
    return names.child_name(gateway, f"{listener}-tls")


def _certificate(secret: str, hostname: str, issuer: Issuer) -> Manifest:
    return {
        "secretName": secret,
        "dnsNames": [hostname],
        "issuerRef": {"group": issuer.group, "kind": issuer.kind, "name": issuer.name},
        # cert-manager's own default differs between its releases.
        "privateKey": {"rotationPolicy": "Always"},
    }
