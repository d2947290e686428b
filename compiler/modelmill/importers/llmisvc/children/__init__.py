"""The objects KServe's controller makes for a service.

In: a service's metadata, its composed specification, the platform. Out: its children in order of
kind, without what only a cluster knows: owners, status, certificates, copied pull secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.importers.llmisvc.children import (
    accounts,
    dra,
    routes,
    scaling,
    scheduler,
    workloads,
)
from modelmill.importers.llmisvc.children.frame import Manifest, Service
from modelmill.importers.llmisvc.platform import Platform

STOP = "serving.kserve.io/stop"


def children(
    metadata: Mapping[str, Any], spec: Mapping[str, Any], platform: Platform
) -> list[Manifest]:
    """None where the service is stopped."""
    noted = metadata.get("annotations") or {}
    if str(noted.get(STOP, "")).lower() == "true":
        return []
    return list(_children(Service(metadata, spec, platform)))


def _children(service: Service) -> Iterator[Manifest]:
    yield from dra.templates(service)
    yield from accounts.accounts(service)
    yield from workloads.workloads(service)
    yield routes.workload_service(service)
    yield from scheduler.picker(service)
    yield from scheduler.tokenizer(service)
    yield from routes.routes(service)
    yield from scaling.scalers(service)
