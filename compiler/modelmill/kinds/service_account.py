"""ServiceAccount of the model's pods. None where every role names an existing one.

Pods use no API token unless they ask for it, so neither does the account mount one. A cloud knows
it by its annotations and gives its pods access to a bucket: eks.amazonaws.com/role-arn,
iam.gke.io/gcp-service-account.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill import names
from modelmill.containers import given
from modelmill.resource import Resource, resource
from modelmill.sharing import INSIDE, OUTSIDE, PODS, shared
from modelmill.spec.pod import Metadata
from modelmill.variant import Variant


def emit(variant: Variant) -> Iterable[Resource]:
    if variant.kserve is not None and variant.spec.service_account is None:
        return ()
    roles = variant.roles.values()
    if all(role.pod is not None and role.pod.service_account_name for role in roles):
        return ()
    return (_account(variant),)


@shared(*OUTSIDE, *INSIDE, *PODS)
def _account(variant: Variant) -> Resource:
    # Of an account that runs as it is, nothing is changed under its pods.
    hardened = not all(variant.is_bare(key) for key in variant.roles)
    own = variant.spec.service_account or Metadata()
    labels = names.labels(variant.name, "model", {**variant.labels, **own.labels})
    bare_labels = {**dict(sorted(own.labels.items())), names.MANAGED_BY: labels[names.MANAGED_BY]}
    return resource(
        "v1",
        "ServiceAccount",
        variant.name,
        labels=labels if hardened else bare_labels,
        annotations=dict(sorted(own.annotations.items())),
        # The routing sidecar of KServe's pods has the account they name, and uses its token.
        **given(automountServiceAccountToken=False if hardened and not variant.kserve else None),
    )
