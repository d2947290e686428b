"""ExternalSecret of each Secret that a model wants made from a store: `externalSecrets`."""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.external_secrets import external_secret
from modelmill.resource import Resource
from modelmill.variant import Variant

COMPONENT = "model"


def emit(variant: Variant) -> Iterable[Resource]:
    for name, record in sorted(variant.spec.external_secrets.items()):
        yield external_secret(
            variant.versions.apis["ExternalSecret"],
            name,
            record,
            labels=names.labels(variant.name, COMPONENT, variant.labels),
        )
