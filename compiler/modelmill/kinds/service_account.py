"""ServiceAccount of the model's pods. None where every role names an existing one.

Pods use no API token unless they ask for it, so neither does the account mount one.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    roles = variant.roles.values()
    if all(role.pod is not None and role.pod.service_account_name for role in roles):
        return
    # Of an account that runs as it is, nothing is changed under its pods.
    hardened = not all(variant.is_bare(key) for key in variant.roles)
    labels = names.labels(variant.name, "model", variant.labels)
    yield resource(
        "v1",
        "ServiceAccount",
        variant.name,
        labels=labels if hardened else {names.MANAGED_BY: labels[names.MANAGED_BY]},
        **given(automountServiceAccountToken=False if hardened else None),
    )
