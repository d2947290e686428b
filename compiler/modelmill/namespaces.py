"""What an environment itself owns: its Namespace, with the Pod Security Standard it enforces, the
Secrets its models share, and its Gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelmill import names
from modelmill.catalog import Document
from modelmill.external_secrets import external_secret
from modelmill.gateways import gateway_objects
from modelmill.pod_security import enforced
from modelmill.resource import Resource, resource

POD_SECURITY = "pod-security.kubernetes.io"


def environment_objects(overlay: Document, apis: Mapping[str, str]) -> tuple[Resource, ...]:
    """All of them. `apis` is kind to `group/version`."""
    return (*_namespace(overlay), *_secrets(overlay, apis), *gateway_objects(overlay, apis))


def _namespace(overlay: Document) -> tuple[Resource, ...]:
    """The Namespace, unless the overlay says that somebody else makes it."""
    record = overlay.record
    if not record.create_namespace:
        return ()
    labels = {names.MANAGED_BY: "modelmill"}
    if record.pod_security is not None:
        own = record.pod_security
        for mode, level in (("enforce", enforced(record)), ("warn", own), ("audit", own)):
            labels[f"{POD_SECURITY}/{mode}"] = level
            labels[f"{POD_SECURITY}/{mode}-version"] = "latest"
    return (resource("v1", "Namespace", record.namespace, labels=dict(sorted(labels.items()))),)


def _secrets(overlay: Document, apis: Mapping[str, str]) -> Iterator[Resource]:
    """In the wave of the Namespace, after which Argo CD applies them."""
    labels = {names.MANAGED_BY: "modelmill"}
    for name, record in sorted(overlay.record.external_secrets.items()):
        yield external_secret(
            apis["ExternalSecret"],
            name,
            record,
            labels=dict(labels),
            namespace=overlay.record.namespace,
        )
