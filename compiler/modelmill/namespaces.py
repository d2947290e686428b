"""What an environment itself owns: its Namespace, with the Pod Security Standard it enforces."""

from __future__ import annotations

from modelmill import names
from modelmill.catalog import Document
from modelmill.resource import Resource, resource

POD_SECURITY = "pod-security.kubernetes.io"


def environment_objects(overlay: Document) -> tuple[Resource, ...]:
    """The Namespace, unless the overlay says that somebody else makes it."""
    record = overlay.record
    if not record.create_namespace:
        return ()
    labels = {names.MANAGED_BY: "modelmill"}
    if record.pod_security is not None:
        for mode in ("enforce", "warn", "audit"):
            labels[f"{POD_SECURITY}/{mode}"] = record.pod_security
            labels[f"{POD_SECURITY}/{mode}-version"] = "latest"
    return (resource("v1", "Namespace", record.namespace, labels=dict(sorted(labels.items()))),)
