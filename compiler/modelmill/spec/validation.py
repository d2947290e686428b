"""What generated/ is validated against."""

from __future__ import annotations

from typing import ClassVar

from modelmill.record import Record, field


class Validation(Record):
    """The clusters' Kubernetes, and where the schemas of their custom resources are."""

    noun = "validation"
    misnomers: ClassVar[dict[str, str]] = {
        "kubernetesVersion": "kubernetes",
        "version": "kubernetes",
        "crds": "schemas",
        "schemaLocation": "schemas",
    }

    kubernetes: str | None = field(
        'Version of the clusters\' Kubernetes, "1.34"; the newest that is known unless given.',
        default=None,
    )
    schemas: tuple[str, ...] = field(
        "Where schemas of custom resources are, before those that come with modelmill: folders or "
        "files with CustomResourceDefinitions or a dump of a cluster's.",
        default=(),
    )
    strict_kinds: bool = field(
        "Whether a kind without a schema is an error, or is only told.", default=False
    )
