"""Secrets that the External Secrets operator makes of a store (external-secrets.io/v1).

In: what a model or an environment says of them. Out: the objects, and which keys a Secret gets.
No value passes here. What older servers would default is written out, or Argo CD reports drift.
"""

from __future__ import annotations

from modelmill.containers import Manifest, given
from modelmill.resource import Resource, resource
from modelmill.spec.secrets import ExternalSecret, ExternalSecretKey

REMOTE = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}


def external_secret(
    api: str,
    name: str,
    record: ExternalSecret,
    *,
    labels: dict[str, str],
    annotations: dict[str, str] | None = None,
    namespace: str | None = None,
) -> Resource:
    """The ExternalSecret of the Secret `name`. The Secret goes with it, and stays as it is while
    the store cannot be had."""
    template = {"type": record.type, "engineVersion": "v2", "mergePolicy": "Replace"}
    return resource(
        api,
        "ExternalSecret",
        name,
        namespace=namespace,
        labels=labels,
        annotations=annotations,
        spec={
            "refreshInterval": record.refresh_interval,
            "secretStoreRef": {"kind": record.store_kind, "name": record.store},
            "target": {
                "name": name,
                "creationPolicy": "Owner",
                "deletionPolicy": "Retain",
                **given(template=template if record.type else None),
            },
            **given(
                data=[
                    {"secretKey": key, "remoteRef": _remote(each)}
                    for key, each in record.data.items()
                ],
                dataFrom=[{"extract": {"key": record.extract, **REMOTE}}] if record.extract else [],
            ),
        },
    )


def keys_of(record: ExternalSecret) -> frozenset[str] | None:
    """Keys of the Secret; None where only the store knows them."""
    return None if record.extract else frozenset(record.data)


def _remote(key: ExternalSecretKey) -> Manifest:
    return {"key": key.key, **given(property=key.property, version=key.version), **REMOTE}
