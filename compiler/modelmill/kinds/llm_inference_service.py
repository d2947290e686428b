"""LLMInferenceService of a model where the environment's target is KServe
(serving.kserve.io/v1alpha2)."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.kserve.service import service
from modelmill.resource import Resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.kserve is not None:
        yield service(variant)
