"""What only KServe's target knows: how resources are written, and what no other field says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modelmill.formats import DnsLabel, QualifiedName
from modelmill.record import EMPTY, Record, field
from modelmill.shapes import FreeMapping


class KServe(Record):
    """Settings of the LLMInferenceService of a model."""

    noun = "kserve"

    labels: Mapping[QualifiedName, str] = field("Labels of the resource.", default=EMPTY)
    annotations: Mapping[QualifiedName, str] = field(
        "Annotations of the resource: those by which KServe is told what has no field.",
        default=EMPTY,
    )
    fields: FreeMapping | None = field(
        "Further fields of its `spec`, as the CRD spells them; laid over what is derived.",
        default=None,
    )


class KServeTarget(Record):
    """How an environment's models are written for KServe."""

    noun = "kserve"

    mode: Literal["full", "thin"] = field(
        "Whether a resource says all of it, or refers to LLMInferenceServiceConfigs that are made "
        "of the presets.",
        default="full",
    )
    preset_prefix: str = field(
        "What the names of KServe's own presets begin with in this cluster.", default="kserve-"
    )
    system_namespace: DnsLabel = field("Namespace of KServe and its presets.", default="kserve")
