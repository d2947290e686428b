"""A generated Kubernetes object and its identity. A value; nothing here knows a kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.tuples import NamedTuple


class Resource(NamedTuple):
    """One Kubernetes object. `body` is complete, apiVersion and kind included, never mutated."""

    api_version: str
    kind: str
    name: str
    body: dict[str, Any]

    @property
    def identity(self) -> tuple[str, str, str]:
        """API version, kind and name: what makes it the same object in two trees."""
        return self[:3]


def resource(
    api_version: str,
    kind: str,
    name: str,
    *,
    namespace: str | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **fields: Any,
) -> Resource:
    """An object with its metadata; empty labels and annotations are left out. Most objects are in
    the namespace of what is deployed, and do not say it."""
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return Resource(
        api_version,
        kind,
        name,
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields},
    )


def with_annotations(resource: Resource, annotations: Mapping[str, str]) -> Resource:
    """The object with further annotations, or other values of those it has."""
    metadata = resource.body["metadata"]
    found = dict(sorted({**metadata.get("annotations", {}), **annotations}.items()))
    return resource._replace(body={**resource.body, "metadata": {**metadata, "annotations": found}})
