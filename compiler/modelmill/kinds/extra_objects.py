"""Objects people add under `extraObjects`, handed on as they are."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.resource import Resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    for body in variant.spec.extra_objects.values():
        yield Resource(body["apiVersion"], body["kind"], body["metadata"]["name"], body)
