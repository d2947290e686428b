"""ServiceAccount of the model's pods. None where every role names an existing one.

Pods use no API token unless they ask for it, so neither does the account mount one.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    roles = variant.roles.values()
    if all(role.pod is not None and role.pod.service_account_name for role in roles):
        return
    yield resource(
        "v1",
        "ServiceAccount",
        variant.name,
        labels=names.labels(variant.name, "model", variant.labels),
        automountServiceAccountToken=False,
    )
